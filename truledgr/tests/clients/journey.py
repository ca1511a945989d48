"""What a program of yours may do: sign in with a second factor, page, create, change, recover.

    PASSWORD=… python journey.py https://ledger.example.com alice

Python 3.11 and the package ``truledgr_client`` beside this file, as `make clients` writes it. The
code of the second factor is asked for on the terminal.
"""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from truledgr_client import AuthenticatedClient, Client
from truledgr_client.api.authentication_account import auth_login_post
from truledgr_client.api.authentication_current_session import auth_session_delete
from truledgr_client.api.authentication_second_factor import auth_otp_post
from truledgr_client.api.items import (
    items_create,
    items_get,
    items_list,
    items_update,
)
from truledgr_client.api.me import me_get
from truledgr_client.models import (
    AuthAuthenticatedResponse,
    AuthAuthenticationResponse,
    AuthErrorResponse,
    AuthFactorRefusal,
    AuthLogin,
    AuthOtpPostBody,
    Item,
    ItemCreateRequest,
    PaginatedItemList,
    PatchedItemUpdateRequest,
    Problem,
    Profile,
)
from truledgr_client.types import UNSET, Unset

T = TypeVar("T")


# part "errors"
class RefusedError(Exception):
    """The server said no: branch on ``problem.code``, quote ``problem.request_id``."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.detail}")
        self.problem = problem


def answer_of(kind: type[T], answer: object) -> T:
    """The answer, which must be of this kind; raise ``RefusedError`` for a problem."""
    if isinstance(answer, Problem):
        raise RefusedError(answer)
    if not isinstance(answer, kind):
        raise TypeError(f"{kind.__name__} was expected, not {answer!r}")
    return answer


# end of "errors"


# part "sign-in"
def sign_in(base_url: str, username: str, password: str) -> AuthenticatedClient:
    """Sign in as an app: each request then carries the session token."""
    login = AuthLogin(username=username, password=password)
    with Client(base_url) as anonymous:
        answer = auth_login_post.sync("app", client=anonymous, body=login)
        done: object = answer
        if isinstance(answer, AuthAuthenticationResponse) and is_pending(answer, "otp"):
            token = answer.meta.session_token  # of the sign-in that is under way
            proof = AuthOtpPostBody(code=input("Code: "))
            done = auth_otp_post.sync("app", client=anonymous, body=proof, x_session_token=token)
    if isinstance(done, AuthErrorResponse | AuthFactorRefusal):
        raise SystemExit(" ".join(error.code for error in done.errors))
    if not isinstance(done, AuthAuthenticatedResponse) or not done.meta.session_token:
        raise SystemExit("Not signed in.")
    token = done.meta.session_token
    return AuthenticatedClient(base_url, token=token, prefix="", auth_header_name="X-Session-Token")


def is_pending(answer: AuthAuthenticationResponse, step: str) -> bool:
    """Whether the sign-in waits for this step."""
    return any(flow.id == step and flow.is_pending for flow in answer.data.flows)


# end of "sign-in"


# part "paging"
def all_items(client: AuthenticatedClient) -> Iterator[Item]:
    """Every item that the caller may see, a page at a time."""
    cursor: str | Unset = UNSET
    while True:
        answer = items_list.sync(client=client, cursor=cursor, page_size=3)
        page = answer_of(PaginatedItemList, answer)
        yield from (answer_of(Item, row) for row in page.results)
        if page.next_ is None:
            return
        cursor = parse_qs(urlsplit(page.next_).query)["cursor"][0]


# end of "paging"


# part "creation"
def create_item(client: AuthenticatedClient, item_id: UUID, name: str) -> Item:
    """Create an item under an id of our own: trying again after a lost answer makes no second."""
    body = ItemCreateRequest(id=item_id, name=name)
    return answer_of(Item, items_create.sync(client=client, body=body))


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562), as uuid.uuid7() does from Python 3.14 on."""
    milliseconds = time.time_ns() // 1_000_000
    chance = secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=milliseconds << 80 | 7 << 76 | chance)


# end of "creation"


# part "change"
def change_item(
    client: AuthenticatedClient, item_id: UUID, edit: Callable[[Item], PatchedItemUpdateRequest]
) -> Item:
    """Change an item as it is now; where somebody else was faster, read it again and retry."""
    while True:
        read = items_get.sync_detailed(item_id, client=client)
        changes = edit(answer_of(Item, read.parsed))
        etag = read.headers["ETag"]
        answer = items_update.sync(item_id, client=client, body=changes, if_match=etag)
        try:
            return answer_of(Item, answer)
        except RefusedError as refused:
            if refused.problem.code != "stale_version":
                raise


# end of "change"


# part "sign-out"
def sign_out(client: AuthenticatedClient) -> None:
    """End the session: its token is worth nothing from now on."""
    auth_session_delete.sync("app", client=client)


# end of "sign-out"


def main(base_url: str, username: str) -> None:
    with sign_in(base_url, username, os.environ["PASSWORD"]) as client:
        print("Signed in:", answer_of(Profile, me_get.sync(client=client)).username)
        print("Items:", " ".join(item.name for item in all_items(client)))
        work(client)
        sign_out(client)
        try:
            answer_of(Profile, me_get.sync(client=client))
        except RefusedError as refused:
            print("Signed out:", refused.problem.code)


def work(client: AuthenticatedClient) -> None:
    item_id = new_id()
    created = create_item(client, item_id, "Ladder")
    again = create_item(client, item_id, "Ladder")
    print("Created once:", created == again, again.version)

    def tag(item: Item) -> PatchedItemUpdateRequest:
        if item.version == 1:  # a colleague changes it between our reading and our writing
            change_item(client, item_id, lambda _: PatchedItemUpdateRequest(name="Long ladder"))
        return PatchedItemUpdateRequest(tags=[*item.tags, "garage"])

    changed = change_item(client, item_id, tag)
    print("Changed after a conflict:", changed.name, changed.tags[0], changed.version)

    try:
        answer_of(Item, items_get.sync(uuid4(), client=client))
    except RefusedError as refused:
        print("No such item:", refused.problem.code)
    try:
        create_item(client, new_id(), "")
    except RefusedError as refused:
        for error in refused.problem.errors or []:
            print("Bad field:", error.field, error.code)


if __name__ == "__main__":
    main(*sys.argv[1:])
