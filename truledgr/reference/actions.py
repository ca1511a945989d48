"""What each action of the audit trail means: the words of docs/reference/audit-actions.md.

Refusals and attacks are described where their kinds are (``core.security_events.Kind``). A test
finds every action that the code records, and holds that it is here.
"""

from __future__ import annotations

ROWS = {
    "create": "An object was made.",
    "update": "An object was changed; `changes` has each audited field before and after.",
    "delete": "An object was marked as deleted, or, where nothing is marked, removed.",
    "restore": "An object that was marked as deleted is back.",
    "hard_delete": "A row was removed for good.",
    "export": "Somebody took a copy of all that is kept about them.",
}
SIGN_INS = {
    "sign_up": "An account was made by its owner.",
    "sign_in": "A sign-in was finished: how, from which device, and its risk.",
    "sign_in_failed": "A try failed; the object is nobody when no account has the name.",
    "sign_in_refused": "A limit on sign-ins was reached.",
    "sign_in_stopped": "A sign-in was too risky and was stopped.",
    "sign_out": "Somebody signed out.",
    "step_up": "Somebody who was signed in proved again who they are.",
    "session_held": "A session was used in a suspicious way and must prove itself again.",
    "session_ended": "A session was used in too risky a way and was ended.",
    "end_sessions": "All sessions of somebody, or of everybody, were ended, with the reason.",
    "impersonation_started": "Staff began to act as the user, with the reason.",
    "impersonation_ended": "Staff stopped acting as the user.",
}
CREDENTIALS = {
    "password_changed": "The owner changed the password.",
    "password_reset": "A new password was set by a mailed link.",
    "password_reset_requested": "Somebody asked for such a link.",
    "send_reset_link": "Staff had such a link mailed.",
    "use": "A link to set a password was used.",
    "lock_password": "The password opens nothing until it is reset.",
    "unlock": "Locks after too many wrong tries were taken off.",
    "confirm": "An authenticator app was confirmed with a code.",
    "rename": "A second factor was given another name.",
    "replace_codes": "New backup codes took the place of the old ones.",
    "backup_code_used": "A backup code was used up.",
    "passkey_used": "A passkey was used.",
    "second_factor_failed": "A code or passkey was refused.",
    "factor_locked": "A second factor is locked after too many wrong codes.",
    "factor_unlocked": "It is not locked any more.",
    "second_factor_removed": "A second factor was taken away.",
    "require_second_factor": "Staff required a second factor of the user.",
    "provider_linked": "An account elsewhere was linked.",
    "provider_unlinked": "An account elsewhere was unlinked.",
    "revoke": "A session, token, link or assignment was ended before its time.",
    "trust": "A device was trusted.",
    "distrust": "A device is not trusted any more.",
    "end_trust": "Staff ended the trust in a device.",
}
ACCOUNTS = {
    "email_verified": "The owner proved an e-mail address.",
    "email_changed": "The account has another e-mail address.",
    "restore_address": "The former e-mail address is back after a report.",
    "verify": "Staff confirmed an identity.",
    "unverify": "Staff withdrew the confirmation.",
    "suspend": "An account was switched off after a report.",
    "report": "A device was reported by its owner.",
    "reported_device": "The owner said that a device is not theirs.",
    "reported_not_me": "The owner answered a notice: it was not me.",
    "ask_for_deletion": "The owner asked for the deletion of the account.",
    "cancel_deletion": "The owner called it off.",
    "refuse_deletion": "The account could not be deleted, and why.",
    "anonymise": "What told who somebody was is gone from the account.",
}
GROUPS = {
    "add": "Somebody was added to a group.",
    "join": "Somebody joined a group.",
    "request": "Somebody asked to join.",
    "approve": "A request to join was approved.",
    "decline": "A request or an invitation was declined.",
    "leave": "A member left.",
    "remove": "A member was removed, with the reason.",
    "ban": "Somebody was banned from a group.",
    "unban": "A ban was lifted.",
    "transfer": "A group has another owner.",
    "archive": "A group was archived.",
    "unarchive": "A group is in use again.",
    "invite": "An address was invited into a group.",
    "resend": "An invitation was mailed again.",
    "withdraw": "A permission was withdrawn from a role, or an invitation.",
    "accept": "An invitation was accepted.",
}
ITEMS = {
    "move": "An item has another owner or group.",
    "move_out": "The same, for those whose it was.",
    "revert": "An item went back to an earlier version.",
}
INSTALLATION = {
    "seal": "A part of the trail was sealed.",
    "purge": "A rule of retention removed rows: which and how many.",
    "export_audit_trail": "Somebody took a file of the trail, with the filters.",
    "sync_permissions": "A system role was brought up to date with the code.",
    "seed_demo": "Demo data is being made.",
    "seed_demo_finished": "Demo data was made.",
}

SECTIONS: dict[str, dict[str, str]] = {
    "Any object": ROWS,
    "Signing in, sessions": SIGN_INS,
    "Passwords, second factors, tokens": CREDENTIALS,
    "Accounts": ACCOUNTS,
    "Groups": GROUPS,
    "Items": ITEMS,
    "The installation": INSTALLATION,
}
