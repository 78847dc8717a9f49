"""Who may do what: tokens, organisations, and the words of the Hub's refusals."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import HubError

WRITER, READER, STRANGER = "hf_writer", "hf_reader", "hf_stranger"


@dataclass(frozen=True, slots=True)
class Account:
    """A user, the organisations they write to, and whether their token may write."""

    name: str
    orgs: tuple[str, ...] = ()
    may_write: bool = True

    def owns(self, namespace: str) -> bool:
        return namespace == self.name or namespace in self.orgs


ACCOUNTS = {
    WRITER: Account("me", ("org",)),
    READER: Account("me", ("org",), may_write=False),
    STRANGER: Account("stranger"),
}


def account_of(authorization: str | None, accounts: dict[str, Account]) -> Account | None:
    """Whose token it is; None without one. An unknown token is an error, as on the Hub, even where none is needed."""
    if not authorization:
        return None
    account = accounts.get(authorization.removeprefix("Bearer "))
    if account is None:
        raise HubError(401, None, "Invalid credentials in Authorization header")
    return account


def refuse_writer(account: Account | None, namespace: str) -> None:
    """Raise HubError where `account` may not write below `namespace`."""
    if account is None:
        raise HubError(401, None, "Invalid username or password.")
    if not account.owns(namespace):
        raise HubError(403, None, f'You don\'t have the rights to write under the namespace "{namespace}"')
    if not account.may_write:
        raise HubError(403, None, "Forbidden: you must use a write token to upload to a repository.")
