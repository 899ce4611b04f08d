"""Fetching from addresses that a submission chose: only from where it is allowed, and never without end."""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pantile.catalog.chores import Ingest
from pantile.domain.errors import ImageTooLarge, ImageUnreachable
from pantile.objects import ObjectStore, sha256_of
from pantile.settings import Settings
from pantile_workers.fetching import AddressDown, fetch_image

IMAGE = b"the bytes of an image"

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A web server on the loopback address that answers as it is told, and notes what it was asked."""

    def __init__(self, answer: Answer) -> None:
        asked = self.asked = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                answer(self)

            def log_message(self, *_: object) -> None:  # the tests' output is not its place
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def address(self, host: str = "127.0.0.1", *, scheme: str = "http") -> str:
        """The address of an image on it."""
        return f"{scheme}://{host}:{self.port}/image.jpg"


@contextmanager
def serve(answer: Answer) -> Iterator[Site]:
    """A site that runs inside the block."""
    site = Site(answer)
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        thread.join()


def send_image(handler: BaseHTTPRequestHandler) -> None:
    """Answers with an image, whatever the path."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(IMAGE)))
    handler.end_headers()
    handler.wfile.write(IMAGE)


def redirect_to(address: Callable[[], str]) -> Answer:
    """Sends whoever asks for the image elsewhere, and gives them an image anywhere else."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path != "/image.jpg":
            send_image(handler)
            return
        handler.send_response(302)
        handler.send_header("Location", address())
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def ingest_of(source: str, *, expected_sha256: str | None = None) -> Ingest:
    """The chore of bringing in an image: an upload where a digest is expected, else an address."""
    return Ingest(
        roi_id=1,
        cohort_id=1,
        roi_mpp=0.25,
        source=source,
        is_remote=expected_sha256 is None,
        expected_sha256=expected_sha256,
        charged_attempts=0,
        max_attempts=3,
    )


def fetch(source: str, objects: ObjectStore | None = None, **settings: object) -> bytes:
    """What a worker with these settings fetches for an image that was submitted with this address."""
    own = Settings().model_copy(update=settings)
    return fetch_image(ingest_of(source), objects or ObjectStore.from_settings(own), own)


def test_a_private_address_is_not_asked_unless_it_is_allowed() -> None:
    with serve(send_image) as site:
        with pytest.raises(ImageUnreachable, match=r"leads to an address that is not public; PANTILE_FETCH_ALLOW"):
            fetch(site.address())

        assert site.asked == []
        assert fetch(site.address(), fetch_allow="127.0.0.0/8") == IMAGE


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f.0.0.1", "0", "[::1]", "[::ffff:127.0.0.1]", "[::]"]
)
def test_no_spelling_of_the_loopback_address_gets_through(host: str) -> None:
    with serve(send_image) as site:
        with pytest.raises(ImageUnreachable):
            fetch(site.address(host))

        assert site.asked == []


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "100.100.100.200", "224.0.0.1", "[fd00:ec2::254]"])
def test_other_special_addresses_are_refused_without_a_connection(host: str) -> None:
    with pytest.raises(ImageUnreachable, match="not public"):
        fetch(f"http://{host}/latest/meta-data")


def test_a_redirect_is_checked_as_the_first_address_was() -> None:
    with serve(redirect_to(lambda: f"http://127.0.0.1:{site.port}/secret")) as site:
        with pytest.raises(ImageUnreachable, match="not public"):
            fetch(site.address("localhost"), fetch_allow="localhost")

        assert site.asked == ["/image.jpg"]


def test_a_redirect_within_what_is_allowed_is_followed() -> None:
    with serve(redirect_to(lambda: "/elsewhere.jpg")) as site:
        assert fetch(site.address("localhost"), fetch_allow="localhost") == IMAGE

        assert site.asked == ["/image.jpg", "/elsewhere.jpg"]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "s3://pantile/x"])
def test_a_redirect_to_another_scheme_is_refused(target: str) -> None:
    with serve(redirect_to(lambda: target)) as site, pytest.raises(ImageUnreachable):
        fetch(site.address(), fetch_allow="127.0.0.0/8")


def test_redirects_without_end_are_refused() -> None:
    with serve(redirect_to(lambda: "/image.jpg")) as site, pytest.raises(ImageUnreachable, match="redirects"):
        fetch(site.address(), fetch_allow="127.0.0.0/8")


def test_a_name_is_resolved_once_and_connected_to_as_it_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, leads_to = socket.getaddrinfo, iter(["127.0.0.1", "127.0.0.2"])

    def rebind(host: str, *arguments: object, **named: object) -> object:
        # A resolver of somebody's own: another address each time it is asked.
        return resolve(next(leads_to) if host == "rebind.test" else host, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    with serve(send_image) as site:
        assert fetch(site.address("rebind.test"), fetch_allow="127.0.0.1") == IMAGE

    assert next(leads_to) == "127.0.0.2"


def test_a_name_that_leads_to_an_address_that_is_not_allowed_as_well_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve = socket.getaddrinfo

    def both(host: str, *arguments: object, **named: object) -> list[object]:
        hosts = ["127.0.0.1", "127.0.0.2"] if host == "both.test" else [host]
        return [found for each in hosts for found in resolve(each, *arguments, **named)]  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with serve(send_image) as site:
        with pytest.raises(ImageUnreachable, match="not public"):
            fetch(site.address("both.test"), fetch_allow="127.0.0.1")

        assert site.asked == []


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_a_host_that_does_not_exist_is_refused_and_not_tried_for_ever(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def know_invalid(name: str, *arguments: object, **named: object) -> object:
        if name.endswith(".invalid"):  # which no resolver knows, though one out of reach cannot say so
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(name, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", know_invalid)

    with pytest.raises(ImageUnreachable):
        fetch(f"http://{host}/image.jpg")


def test_a_server_that_is_down_is_tried_again() -> None:
    with serve(send_image) as site:
        pass

    with pytest.raises(AddressDown):
        fetch(site.address(), fetch_allow="127.0.0.1")


def test_an_answer_that_drips_has_an_end() -> None:
    hung_up = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        try:
            while not hung_up.wait(0.02):
                handler.wfile.write(b"H")
        except OSError:
            hung_up.set()

    with serve(drip) as site:
        with pytest.raises(ImageUnreachable, match=r"did not come within 0\.5 s"):
            fetch(site.address(), fetch_allow="127.0.0.1", fetch_longest_s=0.5)

        assert hung_up.wait(20)


def test_an_answer_is_read_no_further_than_the_limit() -> None:
    hung_up = threading.Event()

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(1 << 16))
        except OSError:
            hung_up.set()

    with serve(flood) as site:
        with pytest.raises(ImageTooLarge, match="more than 1 MiB"):
            fetch(site.address(), fetch_allow="127.0.0.1", max_image_mib=1.0)

        assert hung_up.wait(20)


def test_a_packed_answer_is_not_unpacked() -> None:
    def bomb(handler: BaseHTTPRequestHandler) -> None:
        body = gzip.compress(bytes(1 << 20))
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with serve(bomb) as site, pytest.raises(ImageUnreachable, match=r"packed \(gzip\)"):
        fetch(site.address(), fetch_allow="127.0.0.1")


def test_https_holds_the_certificate_against_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = write_certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    with serve(send_image) as site:
        site.server.socket = context.wrap_socket(site.server.socket, server_side=True)

        assert fetch(site.address("localhost", scheme="https"), fetch_allow="127.0.0.0/8,::1") == IMAGE
        with pytest.raises(AddressDown, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(site.address("127.0.0.1", scheme="https"), fetch_allow="127.0.0.0/8,::1")


def write_certificate(folder: Path, name: str) -> Path:
    """A file with a key and a certificate of its own making for a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_s3_reads_the_own_bucket_and_those_that_are_named(settings: Settings, objects: ObjectStore) -> None:
    other = ObjectStore.from_settings(settings.model_copy(update={"s3_bucket": f"{settings.s3_bucket}-other"}))
    other.create_bucket()
    for bucket in (objects, other):
        bucket.put("a/image.jpg", IMAGE, media_type="image/jpeg")
    stack = settings.model_dump()

    assert fetch(f"S3://{objects.bucket}/a/image.jpg", objects, **stack) == IMAGE
    with pytest.raises(ImageUnreachable, match="PANTILE_FETCH_ALLOW names the buckets"):
        fetch(f"s3://{other.bucket}/a/image.jpg", objects, **stack)
    assert (
        fetch(f"s3://{other.bucket}/a/image.jpg", objects, **(stack | {"fetch_allow": f"s3://{other.bucket}"})) == IMAGE
    )


@pytest.mark.parametrize(
    "key", ["", "../stack.json", "../../stack.json", "..%2f..%2fstack.json", "missing", "a" * 3000, "\n"]
)
def test_a_key_that_is_no_objects_is_refused(settings: Settings, objects: ObjectStore, key: str) -> None:
    with pytest.raises(ImageUnreachable):
        fetch(f"s3://{objects.bucket}/{key}", objects, **settings.model_dump())


def test_an_upload_over_the_limit_is_refused_and_not_asked_for_again(settings: Settings, objects: ObjectStore) -> None:
    data = bytes(2 << 20)
    objects.put(f"incoming/{sha256_of(data)}", data, media_type="image/jpeg")
    ingest = ingest_of("a.jpg", expected_sha256=sha256_of(data))

    with pytest.raises(ImageTooLarge, match="more than 1 MiB"):
        fetch_image(ingest, objects, settings.model_copy(update={"max_image_mib": 1.0}))
