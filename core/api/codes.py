"""Every code that an answer of the API may carry: what it means, and what a client does about it.

A problem has one code for all of it (``PROBLEM``), and in ``errors`` one for each field to blame
(``FIELD``). The report of an import has one for each row that it refuses (``IMPORT``). A code never
changes its meaning; a new one is a line in the changelog.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where in an answer a code stands."""

    PROBLEM = "problem"
    FIELD = "field"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Code:
    """``status`` is that of the whole answer. A row of many operations has its own beside it."""

    code: str
    status: int
    meaning: str
    what_to_do: str
    places: frozenset[Place] = frozenset({Place.PROBLEM})


ANYWHERE = frozenset({Place.PROBLEM, Place.FIELD})
FIELD = frozenset({Place.FIELD})
IN_BOTH = frozenset({Place.FIELD, Place.IMPORT})
IMPORT = frozenset({Place.IMPORT})

MEND = "Mend what `errors` names, then send it again."
SEND_VALUE = "Send a value as the document describes the field."
SHORTEN = "Shorten it; the document has the limit."
READ_AGAIN = "Read the object again, decide whether the change still makes sense, send it again."
MEND_FILE = "Mend the file, then send it again."

_PROBLEMS = [
    Code("bad_request", 400, "The request itself cannot be understood.", "Mend the client."),
    Code(
        "parse_error",
        400,
        "The body is not JSON in UTF-8, or holds what no field could.",
        "Mend the body; `detail` names the place.",
    ),
    Code(
        "invalid",
        400,
        "Something that was sent is not allowed: a field, a parameter or a header.",
        MEND,
        frozenset(Place),
    ),
    Code(
        "invalid_rows",
        400,
        "Rows of the file cannot be imported, so that none was.",
        "Mend the rows that `report` names, then send the file again.",
    ),
    Code(
        "not_authenticated",
        401,
        "Nobody is signed in.",
        "Send an access token or a session.",
    ),
    Code(
        "authentication_failed",
        401,
        "The token or session is unknown, has ended or was revoked.",
        "Sign in again, or make a new token. Do not repeat the request as it was.",
    ),
    Code(
        "permission_denied",
        403,
        "The caller, or the scopes of their token, may not do this to what they can see.",
        "Do not repeat it. Ask for the permission that `x-permission` names.",
        frozenset({Place.PROBLEM, Place.FIELD, Place.IMPORT}),
    ),
    Code(
        "csrf_failed",
        403,
        "A page of another origin sent this, or the form has grown old.",
        "Send the cookie `csrftoken` as the header `X-CSRFToken`.",
    ),
    Code(
        "second_factor_required",
        403,
        "The account must use a second factor, and this sign-in did without.",
        "Sign in with a second factor; set one up if there is none.",
    ),
    Code(
        "session_required",
        403,
        "An access token cannot do this, whatever its scopes.",
        "Sign in and send the session in place of the token.",
    ),
    Code(
        "step_up_required",
        403,
        "The session has not proved lately who it belongs to.",
        "Step up at `/api/auth/{client}/v1/auth/reauthenticate`, then send it again.",
    ),
    Code(
        "not_found",
        404,
        "It is not there, or the caller may not see it.",
        "Do not repeat it.",
        ANYWHERE,
    ),
    Code(
        "method_not_allowed",
        405,
        "The path does not know this method.",
        "Use one that the header `Allow` names.",
    ),
    Code(
        "not_acceptable",
        406,
        "The answer does not come in the format that `Accept` asks for.",
        "Ask for one that the document names.",
    ),
    Code(
        "conflict",
        409,
        "The request is sound, but the present state of the data does not allow it.",
        READ_AGAIN,
        ANYWHERE,
    ),
    Code(
        "account_has_obstacles",
        409,
        "The account cannot be closed yet.",
        "Read what is in the way at `/api/v1/me/deletion`, and settle it.",
    ),
    Code(
        "id_taken",
        409,
        "Something else has the id that was chosen for the new object.",
        "Choose a new UUIDv7. The same id with the same body is answered with what it made.",
        ANYWHERE,
    ),
    Code(
        "invitation_over",
        409,
        "The invitation was used, declined, withdrawn or replaced, or has expired.",
        "Ask the group for a new one.",
        ANYWHERE,
    ),
    Code(
        "no_device_trust",
        409,
        "The device cannot be trusted.",
        "Do what `detail` says; until then every sign-in asks for the second factor.",
    ),
    Code(
        "stale_version",
        412,
        "The object has changed since it was read.",
        READ_AGAIN,
        frozenset(Place),
    ),
    Code(
        "too_large",
        413,
        "The body is larger than this path takes.",
        "Send less at a time.",
    ),
    Code(
        "unsupported_media_type",
        415,
        "The body comes in a format that this path does not read.",
        "Send one that the document names, with its `Content-Type`.",
    ),
    Code(
        "bulk_failed",
        422,
        "Some operations are at fault, so that none was done.",
        "Mend the operations that `results` names, then send all of them again.",
    ),
    Code(
        "precondition_required",
        428,
        "The change names no version of the object that it is meant for.",
        "Send the `ETag` that was read as `If-Match`; `*` for whatever there is.",
    ),
    Code(
        "throttled",
        429,
        "Too many requests, or too many of this kind.",
        "Wait as many seconds as `Retry-After` says, then send it again.",
        ANYWHERE,
    ),
    Code(
        "error",
        500,
        "Something went wrong on the server.",
        "Report it with its `request_id`.",
    ),
    Code(
        "unavailable",
        503,
        "The database or the cache cannot be reached.",
        "Wait as many seconds as `Retry-After` says, then send it again.",
    ),
]

_OF_FIELDS = [
    ("required", "A value is missing.", "Send one.", IN_BOTH),
    ("null", "Null is no value for this.", SEND_VALUE, FIELD),
    ("blank", "Empty, or nothing but space.", SEND_VALUE, IN_BOTH),
    ("empty", "The list, or the file, is empty.", "Send one entry at least.", IN_BOTH),
    ("not_writable", "There is no such field to set here.", "Leave it out.", FIELD),
    ("wrong_type", "Another JSON type than the field's.", SEND_VALUE, IN_BOTH),
    ("incorrect_type", "Another JSON type than the field's.", SEND_VALUE, FIELD),
    ("not_a_list", "Not a list.", SEND_VALUE, FIELD),
    ("invalid_choice", "None of the values that there are.", SEND_VALUE, IN_BOTH),
    (
        "does_not_exist",
        "What is named is not there, or the caller may not see it.",
        "Name another.",
        frozenset(Place),
    ),
    ("max_length", "Too long.", SHORTEN, IN_BOTH),
    ("min_length", "Too short, or too few.", SEND_VALUE, FIELD),
    ("max_value", "Too large a number.", SEND_VALUE, FIELD),
    ("min_value", "Too small a number.", SEND_VALUE, FIELD),
    ("max_string_length", "Too many digits.", SEND_VALUE, FIELD),
    ("date", "A day where a moment is asked for.", SEND_VALUE, FIELD),
    ("make_aware", "A local time that the clocks skip.", "Send it in UTC.", FIELD),
    ("overflow", "Outside of the calendar.", SEND_VALUE, FIELD),
    ("version", "An id of another version than 7.", "Make a UUIDv7.", FIELD),
    ("time", "An id whose time is before 2020 or more than a day ahead.", "Set the clock.", FIELD),
    ("invalid_unicode", "Other characters than a slug has.", SEND_VALUE, FIELD),
    (
        "null_characters_not_allowed",
        "A character NUL, which no text may have.",
        "Take it out.",
        FIELD,
    ),
    (
        "surrogate_characters_not_allowed",
        "Half of a character, as UTF-16 has it.",
        "Encode the text properly.",
        FIELD,
    ),
]

_OF_IMPORTS = [
    ("encoding", "Not UTF-8.", "Save the file as UTF-8."),
    ("csv", "Not readable as CSV.", MEND_FILE),
    ("json", "The line is not one JSON object.", MEND_FILE),
    ("too_long", "The row is longer than 1,024 KiB.", MEND_FILE),
    ("too_many_rows", "More rows than one file may have.", "Cut the file into several."),
    ("unknown_column", "Items have no such column.", MEND_FILE),
    ("duplicate_column", "The column stands more than once.", MEND_FILE),
    ("unknown_field", "Items have no such field.", MEND_FILE),
    ("wrong_number_of_cells", "More or fewer cells than the header has.", MEND_FILE),
    ("duplicate", "The id stands on two lines.", MEND_FILE),
]

CODES: dict[str, Code] = {
    code.code: code
    for code in [
        *_PROBLEMS,
        *(Code(code, 400, text, remedy, places) for code, text, remedy, places in _OF_FIELDS),
        *(Code(code, 400, text, remedy, IMPORT) for code, text, remedy in _OF_IMPORTS),
    ]
}


def codes_of(status: int) -> list[str]:
    """The codes that a problem of this status may have as a whole."""
    return [
        code.code
        for code in CODES.values()
        if code.status == status and Place.PROBLEM in code.places
    ]
