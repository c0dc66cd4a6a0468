"""`pelagos object share|publish|unpublish|url`: objects for others."""

from __future__ import annotations

from pelagos.cli.argument import (
    FlagArgument,
    Operand,
    RepeatableArgument,
    SecondsArgument,
    ValueArgument,
)
from pelagos.cli.cloud.storage import PLACE, STORAGE, Spot, StorageCommand
from pelagos.cli.failures import NOT_FOUND, CommandError
from pelagos.cli.moment import local
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_object_commands = CommandTree("object")

_EVERYBODY = "*"
_DAY = 86_400.0


@command(_object_commands)
class ObjectShare(StorageCommand):
    """Say who may read and write an object, and show who may (Pithos).

    What is below a folder's mark is shared with it. Users are named by name or id, groups of your
    account as :GROUP, everybody who has an account there as '*'.
    """

    shows = True
    arguments = {
        **STORAGE,
        "read": RepeatableArgument("who may read, besides those who may", "--read", metavar="WHO"),
        "write": RepeatableArgument(
            "who may read and write, besides those who may", "--write", metavar="WHO"
        ),
        "remove": RepeatableArgument("who may no longer", "--remove", metavar="WHO"),
        "nobody": FlagArgument("first take it from all", "--nobody"),
    }
    operands = {"object": PLACE}
    examples = (
        "pelagos object share photos/album --read ann@example.org --write :family",
        "pelagos object share photos/album --nobody",
    )

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """Change it, and print who may."""
        spot = self.object(object)
        if self.is_swift:
            raise CommandError(
                f"only Pithos shares single objects; the cloud {self.cloud.name} has Swift",
                hint=f"share all of it: pelagos container modify {spot.container} --read ACL",
            )
        with self.looking(spot):
            given = {right: [self._who(one) for one in self[right]] for right in ("read", "write")}
            gone = {self._who(one) for one in self["remove"]}
            found = self.client.get_object_sharing(spot.name, **spot.where)
            before = {
                right: [one for one in found.get(right, "").split(",") if one]
                for right in ("read", "write")
            }
            if any((*given.values(), gone, self["nobody"])):
                kept = {right: [] if self["nobody"] else before[right] for right in before}
                after = {
                    right: list(
                        dict.fromkeys([one for one in kept[right] if one not in gone] + more)
                    )
                    for right, more in given.items()
                }
                self.client.set_object_sharing(
                    spot.name, after["read"], after["write"], **spot.where
                )
                found = self.client.get_object_sharing(spot.name, **spot.where)
        self._show(found)

    def _who(self, word: str) -> str:
        """A user's id, or a group as the server takes it; what nobody has is refused.

        Raises:
            CommandError: there is no such user or group. The server would take it silently.
        """
        if word == _EVERYBODY:
            return word
        user, colon, group = word.partition(":")
        if not colon:
            return self.user_id(word)
        owner = self.user_id(user) if user else self.cloud.access.user_id
        if owner == self.cloud.access.user_id:
            known = self.client.get_account_group()
            if f"x-account-group-{group.lower()}" not in known:
                raise CommandError(
                    f"you have no group {group}",
                    hint=f"make it: pelagos group create {group} USER…",
                    code=NOT_FOUND,
                )
        return f"{owner}:{group.lower()}"

    def _show(self, found: dict[str, str]) -> None:
        rights = [
            (right, one)
            for right in ("read", "write")
            for one in found.get(right, "").split(",")
            if one
        ]
        ids = {one.partition(":")[0] for _, one in rights} - {_EVERYBODY}
        names = self.cloud.astakos.get_usernames(sorted(ids)) if ids else {}
        rows = []
        for right, one in rights:
            user, colon, group = one.partition(":")
            name = names.get(user, "everybody" if user == _EVERYBODY else user)
            rows.append({"right": right, "who": name + colon + group, "id": one})
        columns = (Column("right"), Column("who"), Column("id"))
        self.context.output.show_list(rows, columns, empty="only you may read and write it")


@command(_object_commands)
class ObjectPublish(StorageCommand):
    """Let everybody read an object who knows its address; prints that (Pithos).

    On Swift: `pelagos object url`, or for a whole container
    `pelagos container modify CONTAINER --read '.r:*'`.
    """

    arguments = STORAGE
    operands = {"object": PLACE}

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """Publish."""
        spot = self.object(object)
        if self.is_swift:
            raise CommandError(
                f"the cloud {self.cloud.name} has Swift, which publishes no single object",
                hint=f"an address that holds for some time: pelagos object url {spot}",
            )
        with self.looking(spot):
            url = self.client.publish_object(spot.name, **spot.where)
        if url:
            self.context.output.line(url)
        else:
            self.context.say(f"{spot} is public; only its owner can see its address")


@command(_object_commands)
class ObjectUnpublish(StorageCommand):
    """Take the public address of an object back (Pithos)."""

    arguments = STORAGE
    operands = {"object": PLACE}

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """End it."""
        spot = self.object(object)
        with self.looking(spot):
            self.client.unpublish_object(spot.name, **spot.where)
        self.context.say(f"{spot} is not public any more")


@command(_object_commands)
class ObjectUrl(StorageCommand):
    """Print an address that holds for some time: it needs no account (Swift).

    It is signed with a key of the account, which is made when there is none; a new key ends all
    addresses that the old one signed.
    """

    shows = True
    arguments = {
        **STORAGE,
        "valid": SecondsArgument("how long it holds", "--for", default=_DAY),
        "method": ValueArgument(
            "what it is good for: GET (and HEAD) or PUT", "--method",
            metavar="METHOD", default="GET", choices=("GET", "PUT", "HEAD", "DELETE"),
        ),
        "filename": ValueArgument("under which browsers keep it", "--filename", metavar="NAME"),
        "prefix": FlagArgument("all that is below the place", "-r", "--recursive"),
    }  # fmt: skip
    operands = {"object": Operand("CONTAINER/PATH")}
    examples = ("pelagos object url photos/sea.jpg --for 7d",)

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """Make and print it."""
        spot = self.object(object)
        if not self.is_swift:
            raise CommandError(
                f"the cloud {self.cloud.name} has Pithos, which signs no addresses",
                hint=f"publish it: pelagos object publish {spot}",
            )
        if self["method"] == "GET" and not self["prefix"]:
            with self.looking(spot):
                self.client.get_object_info(spot.name, **spot.where)
        key = self._key(spot)
        ends = int(self.context.clock.time() + self["valid"])
        url = self.client.temp_url(
            spot.name,
            key,
            ends,
            method=self["method"],
            filename=self["filename"],
            is_prefix=self["prefix"],
            **spot.where,
        )
        if self.context.output.is_table:
            self.context.output.line(url)
            self.context.say(f"it holds until {local(ends)}")
        else:
            self.context.output.show_one({"url": url, "method": self["method"], "expires": ends})

    def _key(self, spot: Spot) -> str:
        import secrets

        name = "x-account-meta-temp-url-key"
        found = self.client.get_account_info(account=spot.account).get(name)
        if not found:
            found = secrets.token_urlsafe(32)
            self.client.replace_account_meta({"Temp-URL-Key": found}, account=spot.account)
            self.context.say("the account had no key to sign with; it has one now")
        return found
