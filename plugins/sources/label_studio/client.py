"""HTTP to one Label Studio: tokens of both kinds, bounded answers, and errors with names.

A legacy token goes along as it is. A personal access token is a JWT that only buys access tokens, each good for five
minutes; sent itself it is refused. Redirects are never followed: they would carry the token to another host.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING, Any, cast

from bridge.document import parse_json
from bridge.errors import AccessError, BridgeError, InputError, MissingPartError, NotFoundError, UnreachableError

if TYPE_CHECKING:
    import requests

File = tuple[str, tuple[str, IO[bytes] | bytes, str]]

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0
# An access token lives for 300 s; it is replaced before it can run out on the way.
_ACCESS_SECONDS = 240.0
_MOST_BYTES = 512_000_000
_TRIES = 3
_PAUSE_SECONDS = 0.25
# What Label Studio says when a URL of ours lies in a network that it does not call.
_BLOCKED = ("reserved network address", "blocked by SSRF", "local IP")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the JSON (None where there is none), and when it was said by the server's clock."""

    body: Any
    at: float


class Client:
    """One Label Studio as one user; url is its address, with the folder it lives in if it has one."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._personal = token.count(".") == 2
        self._access, self._bought = "", 0.0
        self._made: requests.Session | None = None

    # ------------------------------------------------------------ asking

    def get(self, path: str, **params: Any) -> Any:
        """Ask; tried again when the server does not answer."""
        return self.answer(path, **params).body

    def answer(self, path: str, **params: Any) -> Answer:
        """Ask, and keep the time of the answer."""
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

        # Only questions are asked again: a repeated POST could make a second one of something.
        again = retry_if_exception_type(UnreachableError)
        wait = wait_exponential(_PAUSE_SECONDS)
        for attempt in Retrying(retry=again, stop=stop_after_attempt(_TRIES), wait=wait, reraise=True):
            with attempt:
                return self._send("GET", path, params=params)
        raise AssertionError("tenacity gives a result or raises")

    def post(self, path: str, body: Any, seconds: float = _READ_SECONDS, **params: Any) -> Any:
        """Make something."""
        return self._send("POST", path, params=params, json=body, seconds=seconds).body

    def patch(self, path: str, body: Any) -> Any:
        """Change something."""
        return self._send("PATCH", path, json=body).body

    def delete(self, path: str, body: Any = None) -> Any:
        """Remove something."""
        return self._send("DELETE", path, json=body, seconds=300.0).body

    def upload(self, path: str, files: Sequence[File], **params: Any) -> Any:
        """Send files."""
        return self._send("POST", path, params=params, files=files, seconds=300.0).body

    def download(self, url: str, most_bytes: int) -> bytes:
        """The bytes at an address of this server; raises as the others do."""
        response = self._request("GET", url, seconds=_READ_SECONDS)
        with response:
            self._refuse(response, url)
            return _bounded(response, most_bytes, url)

    # ------------------------------------------------------------ sending

    def _send(self, method: str, path: str, seconds: float = _READ_SECONDS, **content: Any) -> Answer:
        response = self._request(method, self.url + path, seconds, **content)
        with response:
            if response.status_code == 401 and self._personal and self._access:
                self._access = ""  # It ran out early, or the server has new keys.
                return self._send(method, path, seconds, **content)
            self._refuse(response, path)
            data = _bounded(response, _MOST_BYTES, path)
            return Answer(_json(data, path), _time_of(response.headers))

    def _request(self, method: str, url: str, seconds: float, **content: Any) -> requests.Response:
        import requests

        signed = self._authorization()
        try:
            return self._session().request(
                method,
                url,
                # Not as a header: an entry in ~/.netrc would replace it.
                auth=lambda request: _signed(request, signed),
                timeout=(_CONNECT_SECONDS, seconds),
                allow_redirects=False,
                stream=True,
                **content,
            )
        except requests.RequestException as error:
            raise self._unreachable(error) from None

    def _session(self) -> requests.Session:
        if self._made is None:
            import requests

            self._made = requests.Session()
            self._made.headers["User-Agent"] = "labelbridge"
        return self._made

    def _unreachable(self, error: Exception) -> UnreachableError:
        return UnreachableError("label-studio-unreachable", url=self.url, reason=_short(error))

    def _authorization(self) -> str:
        if not self._personal:
            return f"Token {self._token}" if self._token else ""
        if not self._access or time.monotonic() - self._bought > _ACCESS_SECONDS:
            self._access, self._bought = self._buy(), time.monotonic()
        return f"Bearer {self._access}"

    def _buy(self) -> str:
        """A fresh access token."""
        import requests

        url = f"{self.url}/api/token/refresh/"
        try:
            response = self._session().post(
                url, json={"refresh": self._token}, timeout=(_CONNECT_SECONDS, 30), allow_redirects=False, stream=True
            )
        except requests.RequestException as error:
            raise self._unreachable(error) from None
        with response:
            self._refuse(response, "/api/token/refresh/")
            body = _json(_bounded(response, 1_000_000, url), "/api/token/refresh/")
        return str(body["access"])

    # ------------------------------------------------------------ refusals

    def _refuse(self, response: requests.Response, path: str) -> None:
        """Raise the error that a status stands for."""
        status = response.status_code
        if status < 300:
            return
        if status < 400:
            raise InputError("label-studio-redirects", url=self.url, to=response.headers.get("Location", "?"))
        detail = _detail(_bounded(response, 1_000_000, path, cut=True))
        raise self._refusal(status, path, detail)

    def _refusal(self, status: int, path: str, detail: str) -> BridgeError:
        fields = {"url": self.url, "path": path, "status": status, "detail": detail}
        if any(words in detail for words in _BLOCKED):
            return MissingPartError("label-studio-blocks-address", **fields)
        if status == 401:
            return AccessError("label-studio-token-refused", **fields)
        if status == 403:
            return AccessError("label-studio-forbidden", **fields)
        if status == 404:
            return NotFoundError("label-studio-missing", **fields)
        # Also 500: its SQLite database says so when it is busy.
        if status >= 500 or status in (408, 429):
            return UnreachableError("label-studio-failed", **fields)
        return InputError("label-studio-refused", **fields)


def _signed(request: requests.PreparedRequest, authorization: str) -> requests.PreparedRequest:
    if authorization:
        request.headers["Authorization"] = authorization
    return request


def _bounded(response: requests.Response, most: int, path: str, cut: bool = False) -> bytes:
    """The body, if it is not larger than allowed (or its beginning, with cut)."""
    import requests

    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_content(1 << 16):
            parts.append(part)
            size += len(part)
            if size > most:
                if cut:
                    break
                raise InputError("label-studio-too-much", path=path, limit=most // 1_000_000)
    except requests.RequestException as error:
        raise UnreachableError("label-studio-unreachable", url=path, reason=_short(error)) from None
    return b"".join(parts)


def _json(data: bytes, path: str) -> Any:
    if not data.strip():
        return None
    if data.lstrip()[:1] not in (b"{", b"["):
        # The page of another program, or of a proxy that wants a login.
        raise InputError("label-studio-answer", path=path, found=data[:60].decode("utf-8", "replace"))
    return parse_json(data, path)


def _detail(data: bytes) -> str:
    """What a refusal says: its detail and the fields that are wrong; nothing of an HTML page."""
    try:
        body = _json(data, "")
    except InputError:
        return ""
    if not isinstance(body, dict):
        return str(body)[:500]
    wrong = body.get("validation_errors")
    parts = [str(body.get("detail") or body.get("error") or "")]
    if isinstance(wrong, Mapping):
        parts += [f"{name}: {_joined(said)}" for name, said in wrong.items()]
    elif wrong:
        parts.append(_joined(wrong))
    return "; ".join(part for part in parts if part)[:1000]


def _joined(said: Any) -> str:
    return ", ".join(map(str, said)) if isinstance(said, list) else str(said)


def _time_of(headers: Mapping[str, str]) -> float:
    """When the server answered, by its own clock: cursors are compared with times that it wrote."""
    try:
        return parsedate_to_datetime(cast(str, headers.get("Date"))).timestamp()
    except (TypeError, ValueError):
        return time.time()


def _short(error: Exception) -> str:
    """The innermost reason, without the layers around it."""
    reason: BaseException = error
    while (inner := reason.__cause__ or reason.__context__) is not None:
        reason = inner
    return str(reason)[:300] or type(error).__name__
