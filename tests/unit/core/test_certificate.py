"""The certificate authority: what it issues holds, and what is wrong is said clearly."""

from __future__ import annotations

import os
import ssl
import stat
import string
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.certificate import (
    Authority,
    CertificateError,
    Issued,
    describe,
    make_request,
    save_pair,
    text_dump,
)

NOW = 1_750_000_000.0
DAY = 86_400.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority.open(folder / "ca", name="Pelagos of tests", now=NOW)


def signed(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "whoever")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    made = request.sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_an_authority_stays_the_same(folder: Path, authority: Authority):
    again = Authority.open(folder / "ca", name="another name", now=NOW + DAY)
    assert again.certificate == authority.certificate
    assert again.fingerprint == authority.fingerprint == describe(again.certificate).fingerprint
    assert again.unseal(authority.seal("text")) == "text"


def test_only_the_owner_can_read_the_key(folder: Path, authority: Authority):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder / "ca").iterdir()}
    assert modes == {"ca.pem": 0o644, "ca.key": 0o600}
    key = (folder / "ca/ca.key").read_text().splitlines()[1]
    assert key not in repr(authority) + str(vars(authority))


def test_a_client_certificate_is_sound(authority: Authority):
    issued = authority.issue("COMP-1", "computer", now=NOW, lifetime=DAY)
    leaf = x509.load_pem_x509_certificate(issued.certificate.encode())
    extensions = leaf.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    leaf.verify_directly_issued_by(authority._certificate)
    described = describe(issued.certificate)
    assert (described.common_name, described.unit) == ("COMP-1", "computer")
    assert described.serial == issued.serial
    assert described.begins == NOW - 300 and described.expires == issued.expires == NOW + DAY


def test_a_server_certificate_passes_a_strict_verifier(authority: Authority):
    names = ["master.example.com", "10.0.0.1", "2001:db8::1", "bücher.example"]
    issued = authority.issue_server(names, now=NOW, lifetime=DAY)
    leaf = x509.load_pem_x509_certificate(issued.certificate.encode())
    store = Store([x509.load_pem_x509_certificate(authority.certificate.encode())])
    for name in (x509.DNSName("master.example.com"), x509.DNSName("xn--bcher-kva.example")):
        verifier = PolicyBuilder().store(store).time(leaf.not_valid_before_utc)
        assert len(verifier.build_server_verifier(name).verify(leaf, [])) == 2
    alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert len(alternatives.get_values_for_type(x509.IPAddress)) == 2


def test_serials_differ_and_are_large(authority: Authority):
    serials = {authority.issue("x", "person", now=NOW, lifetime=1).serial for _ in range(20)}
    assert len(serials) == 20
    assert all(serial == serial.lower() and int(serial, 16) > 1 << 100 for serial in serials)


def test_a_key_stands_in_no_repr(authority: Authority):
    issued = authority.issue("x", "person", now=NOW, lifetime=DAY)
    assert issued.key and "PRIVATE KEY" in issued.key
    assert "PRIVATE" not in repr(issued)


def test_a_leaf_never_outlives_its_authority(authority: Authority):
    issued = authority.issue("x", "person", now=NOW, lifetime=100 * 365 * DAY)
    assert issued.expires == describe(authority.certificate).expires


def test_a_request_gets_the_name_that_was_granted(authority: Authority):
    key, request = make_request("root of all")
    issued = authority.issue("COMP-2", "computer", now=NOW, lifetime=DAY, request=request)
    assert issued.key is None
    assert describe(issued.certificate).common_name == "COMP-2"
    public = serialization.load_pem_private_key(key.encode(), None).public_key()
    assert x509.load_pem_x509_certificate(issued.certificate.encode()).public_key() == public


def test_an_rsa_request_is_served(authority: Authority):
    request = signed(rsa.generate_private_key(65537, 2048))
    assert authority.issue("x", "person", now=NOW, lifetime=DAY, request=request).certificate


def forged() -> str:
    request = signed(ec.generate_private_key(ec.SECP256R1()))
    der = bytearray(x509.load_pem_x509_csr(request.encode()).public_bytes(DER))
    at = der.index(b"whoever")
    der[at : at + 7] = b"another"
    return x509.load_der_x509_csr(bytes(der)).public_bytes(PEM).decode()


DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


@pytest.mark.parametrize(
    ("request_text", "says"),
    [
        ("", "not a certificate signing request"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", "not a certificate signing request"),
        (forged(), "signature is wrong"),
        (signed(rsa.generate_private_key(65537, 1024)), "too weak"),  # on purpose
        (signed(ec.generate_private_key(ec.SECP192R1())), "too weak"),
    ],
    ids=["empty", "broken", "forged", "rsa-1024", "p-192"],
)
def test_a_request_that_proves_nothing_is_refused(
    authority: Authority, request_text: str, says: str
):
    with pytest.raises(CertificateError, match=says) as caught:
        authority.issue("x", "person", now=NOW, lifetime=DAY, request=request_text)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["", "x" * 65, "two\nlines"])
def test_a_name_that_cannot_stand_in_a_certificate_is_refused(authority: Authority, name: str):
    with pytest.raises(CertificateError, match="cannot be the name"):
        authority.issue(name, "person", now=NOW, lifetime=DAY)


@pytest.mark.parametrize("names", [[], ["a..b"], [""]])
def test_a_server_needs_names(authority: Authority, names: list[str]):
    with pytest.raises(CertificateError) as caught:
        authority.issue_server(names, now=NOW, lifetime=DAY)
    assert caught.value.hint


def test_a_lifetime_of_nothing_is_refused(authority: Authority):
    with pytest.raises(CertificateError, match="cannot end before it begins"):
        authority.issue("x", "person", now=NOW, lifetime=-DAY)


@given(text=st.text())
def test_what_is_sealed_comes_back(text: str, authority: Authority):
    sealed = authority.seal(text)
    assert authority.unseal(sealed) == text
    assert sealed.isascii() and sealed.isprintable()


@given(text=st.text())
def test_what_was_not_sealed_is_refused(text: str, authority: Authority):
    for wrong in (text, "sealed-1." + text):
        with pytest.raises(CertificateError, match="cannot be opened"):
            authority.unseal(wrong)


@given(at=st.integers(9, 52), shift=st.integers(1, 63))
def test_what_was_altered_is_refused(authority: Authority, at: int, shift: int):
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    sealed = authority.seal("secret")
    letter = letters[(letters.index(sealed[at]) + shift) % 64]
    with pytest.raises(CertificateError):
        authority.unseal(sealed[:at] + letter + sealed[at + 1 :])


def test_another_authority_cannot_unseal(authority: Authority, tmp_path: Path):
    with pytest.raises(CertificateError, match="another authority"):
        Authority.open(tmp_path, name="x", now=NOW).unseal(authority.seal("text"))


def test_a_secret_is_of_its_purpose_and_of_the_authority(tmp_path: Path):
    made = [Authority.open(tmp_path / name, name="x", now=NOW) for name in ("a", "b", "a")]
    first, other, again = ([one.secret(purpose) for purpose in ("p", "q")] for one in made)
    assert first == again and len({*first, *other}) == 4
    assert {len(secret) for secret in first} == {32}


@pytest.mark.parametrize("lost", ["ca.pem", "ca.key"])
def test_half_an_authority_is_refused(tmp_path: Path, lost: str):
    Authority.open(tmp_path, name="x", now=NOW)
    (tmp_path / lost).unlink()
    with pytest.raises(CertificateError, match=f"not {lost}") as caught:
        Authority.open(tmp_path, name="x", now=NOW)
    assert "backup" in str(caught.value.hint)
    assert not (tmp_path / lost).exists()


def test_being_killed_between_the_two_files_is_made_good(tmp_path: Path):
    first = Authority.open(tmp_path, name="x", now=NOW)
    (tmp_path / "ca.pem").rename(tmp_path / ".ca.pem")
    assert Authority.open(tmp_path, name="x", now=NOW).fingerprint == first.fingerprint
    (tmp_path / "ca.pem").rename(tmp_path / ".ca.pem")
    (tmp_path / "ca.key").unlink()
    assert Authority.open(tmp_path, name="x", now=NOW).fingerprint != first.fingerprint


def test_a_foreign_waiting_certificate_finishes_nothing(tmp_path: Path):
    Authority.open(tmp_path / "a", name="x", now=NOW)
    Authority.open(tmp_path / "b", name="x", now=NOW)
    (tmp_path / "a/ca.pem").rename(tmp_path / "b/.ca.pem")
    (tmp_path / "b/ca.pem").unlink()
    with pytest.raises(CertificateError, match=r"not ca\.pem"):
        Authority.open(tmp_path / "b", name="x", now=NOW)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("ca.key", "s3cret, but no key", "does not hold an EC key"),
        ("ca.pem", "no certificate", "is not a certificate"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\ns3cret\n", "is not a certificate"),
    ],
)
def test_a_wrong_file_is_named_and_not_quoted(tmp_path: Path, file: str, content: str, says: str):
    Authority.open(tmp_path, name="x", now=NOW)
    (tmp_path / file).write_text(content)
    with pytest.raises(CertificateError, match=says) as caught:
        Authority.open(tmp_path, name="x", now=NOW)
    assert file in caught.value.message and "s3cret" not in caught.value.message


def test_a_key_of_another_kind_or_certificate_is_refused(tmp_path: Path):
    Authority.open(tmp_path, name="x", now=NOW)
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "ca.key").write_bytes(key)
    with pytest.raises(CertificateError, match="does not hold an EC key"):
        Authority.open(tmp_path, name="x", now=NOW)
    (tmp_path / "ca.key").write_text(make_request("x")[0])
    with pytest.raises(CertificateError, match="do not belong together"):
        Authority.open(tmp_path, name="x", now=NOW)


def test_a_leaf_is_not_an_authority(tmp_path: Path, authority: Authority):
    issued = authority.issue("x", "person", now=NOW, lifetime=DAY)
    save_pair(issued, tmp_path / "ca.pem", tmp_path / "ca.key")
    with pytest.raises(CertificateError, match="not the certificate of an authority"):
        Authority.open(tmp_path, name="x", now=NOW)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path):
    Authority.open(tmp_path, name="x", now=NOW)
    (tmp_path / "ca.key").chmod(0o644)
    with pytest.raises(CertificateError, match="others than its owner") as caught:
        Authority.open(tmp_path, name="x", now=NOW)
    assert "chmod 600" in str(caught.value.hint)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_files_that_may_not_be_used_are_named(tmp_path: Path):
    Authority.open(tmp_path / "ca", name="x", now=NOW)
    (tmp_path / "ca/ca.key").chmod(0)
    with pytest.raises(CertificateError, match=r"cannot read .*ca\.key"):
        Authority.open(tmp_path / "ca", name="x", now=NOW)
    (tmp_path / "ca").chmod(0o500)
    (tmp_path / "shut").mkdir(0o500)
    with pytest.raises(CertificateError, match=r"cannot write .*shut"):
        Authority.open(tmp_path / "shut", name="x", now=NOW)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="cannot write") as caught:
        Authority.open(tmp_path / "file/ca", name="x", now=NOW)
    assert caught.value.hint


@pytest.mark.parametrize("now", [NOW - DAY, NOW + 3651 * DAY], ids=["future-dated", "ended"])
def test_an_authority_out_of_its_time_is_refused(tmp_path: Path, now: float):
    Authority.open(tmp_path, name="x", now=NOW)
    with pytest.raises(CertificateError, match="holds from 2025-06-15 15:01 to") as caught:
        Authority.open(tmp_path, name="x", now=now)
    assert "clock" in str(caught.value.hint)


def test_a_pair_is_written_for_its_owner_alone(tmp_path: Path, authority: Authority):
    certificate, key = tmp_path / "me.pem", tmp_path / "me.key"
    save_pair(authority.issue("x", "person", now=NOW, lifetime=DAY), certificate, key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    ssl.create_default_context().load_cert_chain(certificate, key)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["me.key", "me.pem"]
    with pytest.raises(CertificateError, match="cannot write"):
        save_pair(Issued("", "x", "1", NOW), tmp_path / "no/me.pem", tmp_path / "no/me.key")
    with pytest.raises(CertificateError, match="key is not known"):
        save_pair(Issued("", None, "1", NOW), certificate, key)


def test_the_text_dump_carries_the_id_where_the_original_looks(authority: Authority):
    issued = authority.issue("COMP-17", "computer", now=NOW, lifetime=DAY)
    dump = text_dump(issued.certificate)
    start = dump.find("COMP-")
    assert dump[start : dump.find("/email", start)] == "COMP-17"
    assert "Subject: CN=COMP-17/emailAddress=" in dump
    assert dump.endswith(issued.certificate)
    assert describe(dump) == describe(issued.certificate)


@given(data=st.one_of(st.text(), st.binary()))
def test_what_is_no_certificate_is_said_to_be_none(data: str | bytes):
    with pytest.raises(CertificateError, match="is not a certificate"):
        describe(data)


def test_pem_and_der_say_the_same(authority: Authority):
    der = ssl.PEM_cert_to_DER_cert(authority.certificate)
    assert describe(der) == describe(authority.certificate)
    assert describe(der).unit == ""
