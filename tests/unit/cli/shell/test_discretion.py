import pytest

from pelagos.cli.launch import load
from pelagos.cli.shell.discretion import discreet
from pelagos.cli.shell.step import Enter, Nothing, step
from pelagos.cli.tree import pelagos_tree
from pelagos.core.secret_names import is_secret

TREE = pelagos_tree()


def kept(line: str) -> str | None:
    return discreet(line, step(line, (), TREE), TREE)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("join s3cret", "/join ..."),
        ("join -v s3cret", "/join -v ..."),
        ("node run s3cret --name n", "/node run ... --name n"),
        ("config set cloud.named.x.password s3cret", "/config set cloud.named.x.password ..."),
        ("config set cloud.named.x.token=s3cret", "/config set cloud.named.x.token=..."),
        ("config set bus.url amqp://u:s3cret@h/", "/config set bus.url 'amqp://***@h/'"),
        ("request db u --param password=s3cret", "/request db u --param password=..."),
        ("request db u --param=root_password=s3cret", "/request db u --param=root_password=..."),
        ("""bus send x --json '{"token": "s3cret"}'""", """/bus send x --json '{"token": ...'"""),
        ("request db u --param db_pass=s3cret", "/request db u --param db_pass=..."),
        ("request db u --param adminPass=s3cret", "/request db u --param adminPass=..."),
        ("request db u --param pwd=s3cret", "/request db u --param pwd=..."),
        (
            "request db u --param 'key=-----BEGIN RSA PRIVATE KEY-----\\ns3cret'",
            "/request db u --param key=...",
        ),
        ("!export DB_PASS=s3cret", "!export DB_PASS=..."),
        ("!curl -u ada:s3cret http://h/", "!curl -u ada:... http://h/"),
        ("!curl --user=ada:s3cret http://h/", "!curl --user=ada:... http://h/"),
        ("!mysql --password s3cret", "!mysql --password ..."),
        ("!curl -H 'X-Auth-Token: s3cret'", "!curl -H 'X-Auth-Token: ...'"),
    ],
)
def test_secrets_are_left_out(line, expected):
    assert "s3cret" not in (kept(line) or "")
    assert kept(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "service list",
        "request db  postgres.cfg --param size=10",
        "service --help",
        "config set plane.token_file /home/ada/token",
        "config set node.partitions 20",
        "--token-file /x service list",
        "cloud add x http://h/ --token",
        "server list --name 'web 1'",
        "!ls -l",
        "person add ada",
    ],
)
def test_a_line_without_secrets_is_kept_as_it_was_typed(line):
    assert kept(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "!echo 's3cret",
        " service list",
        "jion s3cret",
        "confg set x.token s3cret",
        "user create ada --pasword s3cret",
        "service lst",
        "user create ada --password s3cret",
        "?user create ada --password s3cret",
        "cloud add x http://h/ --token s3cret",
        "# user create ada --password=s3cret",
    ],
)
def test_what_is_not_understood_or_not_meant_to_be_is_not_kept(line):
    assert kept(line) is None


def test_nothing_is_not_kept():
    assert discreet("", Nothing(), TREE) is None


def test_where_one_goes_is_kept():
    assert discreet("service", Enter(("service",)), TREE) == "service"


@pytest.mark.parametrize(
    "name", ["--token-file", "token_file", "application_credential_id", "key"]
)
def test_where_a_secret_is_is_no_secret(name):
    assert not is_secret(name)


def test_no_command_takes_a_secret_under_another_name():
    """Operands and options that are described as secret have names that say so."""
    for node in TREE.root.walk():
        command = load(node)
        for name, operand in command.operands.items():
            if operand.help.startswith(("one-time token", "the one-time token", "password")):
                assert is_secret(name), node.line
        for argument in command.all_arguments().values():
            if argument.arity and argument.help.startswith(("password", "token")):
                assert is_secret(argument.name), (node.line, argument.name)
