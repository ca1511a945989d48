"""A passkey authenticator in software: ES256, attestation "none", a signature counter.

It answers the options of the server as ``navigator.credentials`` does in a browser, and takes
what a dishonest client would change as keyword arguments.
"""

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "http://localhost:8000"
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
ES256, EC2, P256 = -7, 2, 1


def to_text(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def to_bytes(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class RefusedError(Exception):
    """The authenticator has nothing to answer these options with."""


class Authenticator:
    """One passkey for one account; ``counts`` false is a synced passkey, whose counter stays 0."""

    def __init__(self, *, verifies=True, counts=True, synced=False, origin=ORIGIN):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.flags = UP | (UV if verifies else 0) | (BE | BS if synced else 0)
        self.counts = counts
        self.counter = 0
        self.origin = origin
        self.user_handle = None

    def create(self, options, **changes):
        """Answer ``navigator.credentials.create({publicKey: options})`` as JSON."""
        excluded = {entry["id"] for entry in options.get("excludeCredentials", [])}
        if to_text(self.credential_id) in excluded:
            raise RefusedError("This authenticator holds a passkey of the account already.")
        if not any(entry["alg"] == ES256 for entry in options["pubKeyCredParams"]):
            raise RefusedError("ES256 is not wanted.")
        self.user_handle = to_bytes(options["user"]["id"])
        credential_id = changes.get("credential_id", self.credential_id)
        attested = (
            bytes(16)
            + struct.pack(">H", len(credential_id))
            + credential_id
            + cbor2.dumps(self._cose_key())
        )
        data = self._authenticator_data(options["rp"]["id"], changes, AT) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            credential_id,
            clientDataJSON=to_text(self._client_data("webauthn.create", options, changes)),
            attestationObject=to_text(attestation),
            transports=["internal", "hybrid"],
        )

    def get(self, options, **changes):
        """Answer ``navigator.credentials.get({publicKey: options})`` as JSON."""
        allowed = {entry["id"] for entry in options.get("allowCredentials", [])}
        if not changes.get("uninvited") and to_text(self.credential_id) not in allowed:
            raise RefusedError("None of the passkeys that are asked for is here.")
        if self.counts:
            self.counter += 1
        client_data = self._client_data("webauthn.get", options, changes)
        data = self._authenticator_data(options["rpId"], changes)
        key = changes.get("key", self.key)
        signed = data + hashlib.sha256(client_data).digest()
        handle = changes.get("user_handle", self.user_handle)
        return self._answer(
            changes.get("credential_id", self.credential_id),
            clientDataJSON=to_text(client_data),
            authenticatorData=to_text(data),
            signature=to_text(key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            userHandle=to_text(handle) if handle else None,
        )

    def _authenticator_data(self, rp_id, changes, extra=0):
        rp_id = changes.get("rp_id", rp_id)
        flags = changes.get("flags", self.flags) | extra
        counter = changes.get("counter", self.counter)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, counter)

    def _client_data(self, kind, options, changes):
        said = {
            "type": changes.get("type", kind),
            "challenge": changes.get("challenge", options["challenge"]),
            "origin": changes.get("origin", self.origin),
            "crossOrigin": changes.get("cross_origin", False),
        }
        return json.dumps(said).encode()

    def _cose_key(self):
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        return {1: EC2, 3: ES256, -1: P256, -2: x, -3: y}

    @staticmethod
    def _answer(credential_id, **response):
        text = to_text(credential_id)
        return {
            "id": text,
            "rawId": text,
            "type": "public-key",
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}},
        }
