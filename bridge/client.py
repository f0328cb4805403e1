"""HTTP to a bridge: what workers and the command line (--server) ask of it.

Every refusal comes back as the named error that the bridge raised; no answer at all is an UnreachableError.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from bridge import errors
from bridge.errors import BridgeError, InputError, MissingPartError, NotFoundError, UnreachableError, write_rule
from bridge.model.delivery import BY_ORDER

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

_PIECE = 1 << 20
_CONNECT_SECONDS = 3.05
_STALE = frozenset({"lease-stale", "job-held"})
# What a person must decide comes as 409 too.
_REFUSED = frozenset({"plan-broken"}) | BY_ORDER
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# The nearest class for each status; 409 is told apart by its rule. A server never says how we should have been called.
_KIND: dict[int, type[BridgeError]] = {
    401: errors.AccessError,
    403: errors.AccessError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    422: errors.InputError,
    503: errors.UnreachableError,
    507: errors.MissingPartError,
}


class Bridge:
    """One bridge by URL and token. Usable from several threads.

    What may be asked twice without harm (get, put, blobs) is tried `tries` times while the bridge does not answer.
    """

    def __init__(self, url: str, token: str = "", timeout: float = 30.0, tries: int = 4) -> None:
        self.url = (url if "://" in url else f"http://{url}").rstrip("/")
        self.timeout = timeout
        self.tries = tries
        self._token = token
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def close(self) -> None:
        """Let go of all connections."""
        for session in self._sessions:
            session.close()

    def get(self, path: str, kind: Any = Any, **params: Any) -> Any:
        """What lies at a path below /api/v1, read as a kind of noun (plain values when none is given)."""
        return self._again(lambda: _decode(self._call("GET", path, params=params).content, kind))

    def post(self, path: str, body: Any = None, kind: Any = Any, again: bool = False) -> Any:
        """Ask for something to be done; only with again is it asked a second time when no answer comes."""
        import msgspec

        data = msgspec.json.encode(body)  # NaN becomes null: JSON has no other word for it.

        def ask() -> Any:
            return _decode(self._call("POST", path, data=data).content, kind)

        return self._again(ask) if again else ask()

    def text(self, path: str, **params: Any) -> str:
        """What lies at a path below /api/v1, as text."""
        return self._again(lambda: self._call("GET", path, params=params).content.decode("utf-8", "replace"))

    def delete(self, path: str) -> None:
        """Take something away."""
        self._call("DELETE", path)

    def has(self, sha256: str) -> bool:
        """Whether the bridge has these bytes."""
        try:
            self._again(lambda: self._call("HEAD", f"/blobs/{sha256}"))
        except NotFoundError:
            return False
        return True

    def upload(self, path: Path, sha256: str) -> bool:
        """Give the bridge a file's bytes unless it has them; whether they went over. Raises InputError blob-differs."""
        if self.has(sha256):
            return False
        self._again(lambda: self._send(path, sha256))
        return True

    def _send(self, path: Path, sha256: str) -> None:
        with path.open("rb") as file:
            self._call("PUT", f"/blobs/{sha256}", data=file, type_="application/octet-stream")

    def download(self, sha256: str, target: Path) -> None:
        """Bring bytes to a file, checked, wholly or not at all; raises NotFoundError, MissingPartError disk-full."""
        self._again(lambda: self._receive(sha256, target))

    def _receive(self, sha256: str, target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
        except OSError as error:
            raise _disk(error, target.parent) from None
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file, self._call("GET", f"/blobs/{sha256}", stream=True) as answer:
                found = self._copy(answer, file.write)
                file.flush()
                os.fsync(file.fileno())
            if found != sha256:
                raise UnreachableError("transfer-torn", url=self.url, wanted=sha256, found=found)
            temporary.replace(target)
        except OSError as error:
            raise _disk(error, target.parent) from None
        finally:
            temporary.unlink(missing_ok=True)

    def _copy(self, answer: requests.Response, write: Callable[[bytes], Any]) -> str:
        import requests

        digest = hashlib.sha256()
        pieces = answer.iter_content(_PIECE)
        while True:
            try:
                piece = next(pieces, b"")
            except requests.RequestException as error:
                raise UnreachableError("bridge-unreachable", url=self.url, reason=_reason(error)) from None
            if not piece:
                return digest.hexdigest()
            digest.update(piece)
            write(piece)

    def _call(self, method: str, path: str, type_: str = "application/json", **rest: Any) -> requests.Response:
        import requests

        headers = {"Content-Type": type_} if "data" in rest else {}
        try:
            answer = self._session().request(
                method,
                f"{self.url}/api/v1{path}",
                headers=headers,
                timeout=(_CONNECT_SECONDS, self.timeout),
                allow_redirects=False,
                **rest,
            )
        except requests.RequestException as error:
            raise UnreachableError("bridge-unreachable", url=self.url, reason=_reason(error)) from None
        if answer.status_code >= 300:
            raise _refusal(answer, self.url)
        return answer

    def _session(self) -> requests.Session:
        """One for each thread: they are not made to be shared."""
        import requests

        found: requests.Session | None = getattr(self._local, "session", None)
        if found is None:
            found = self._local.session = requests.Session()
            self._sessions.append(found)
            if self._token:
                found.headers["Authorization"] = f"Bearer {self._token}"
            if urlsplit(self.url).hostname in _LOOPBACK:
                found.trust_env = False  # A proxy of the surroundings cannot reach this machine.
        return found

    def _again(self, act: Callable[[], T]) -> T:
        import tenacity

        patient = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.tries),
            wait=tenacity.wait_exponential(multiplier=0.2, max=5.0) + tenacity.wait_random(0, 0.2),
            retry=tenacity.retry_if_exception_type(UnreachableError),
            reraise=True,
        )
        return patient(act)


def _decode(data: bytes, kind: Any) -> Any:
    import msgspec

    if not data:
        return None
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise InputError("answer-odd", reason=str(error)) from None


def _refusal(answer: requests.Response, url: str) -> BridgeError:
    """The error behind an answer; one that is no problem document comes from a proxy or another server."""
    try:
        said = answer.json()
        rule, fields = str(said["rule"]), dict(said["fields"])
    except (ValueError, KeyError, TypeError):
        return _bare_refusal(answer, url)
    return _kind(rule, answer.status_code)(rule, **fields)


def _kind(rule: str, status: int) -> type[BridgeError]:
    if rule in _STALE:
        return errors.StaleLeaseError
    return errors.RefusedError if rule in _REFUSED else _KIND.get(status, BridgeError)


def _bare_refusal(answer: requests.Response, url: str) -> BridgeError:
    """A HEAD has no body to say more."""
    status = answer.status_code
    if status == 404 and answer.request.method == "HEAD":
        return NotFoundError("blob-missing", sha256=urlsplit(answer.url).path.rpartition("/")[2])
    if status in (401, 403):
        return errors.AccessError("token-wrong")
    return UnreachableError("bridge-odd", url=url, status=status)


def _reason(error: BaseException) -> str:
    """What lies at the bottom of an error: the layers above only repeat the address."""
    below = error.__cause__ or error.__context__
    if below is not None:
        return _reason(below)
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _disk(error: OSError, folder: Path) -> BridgeError:
    return MissingPartError(write_rule(error), path=str(folder), reason=error.strerror or str(error))
