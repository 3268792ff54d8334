"""Keys are made, kept as hashes, and let in whom they should and no one else; rates; addresses without keys."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest

from serving_runs import server
from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import TrimtabError
from trimtab.serving.keys import Keyring, add_key, read_keys, remove_key
from trimtab.serving.limits import Limits
from trimtab.serving.server import Address, check_address


def test_a_file_holds_hashes_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made = add_key(path, "shop", ["manage", "predict"], rate=5)
    text = path.read_text()
    assert made.startswith("tt-")
    assert made not in text
    [kept] = json.loads(text)["keys"]
    assert kept["sha256"] == hashlib.sha256(made.encode()).hexdigest()
    assert kept["scopes"] == ["predict", "manage"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_wrong_with_keys_is_said(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(TrimtabError) as raised:
        Keyring(path)
    assert str(raised.value) == f"{path}: no such file. Make a key with `trimtab keys add NAME --key-file {path}`."
    add_key(path, "shop", ["predict"])
    for action, message in (
        (lambda: add_key(path, "shop", ["predict"]),
         f"{path}: there is a key named 'shop'. Remove it, or choose another name."),
        (lambda: add_key(path, "a b", ["predict"]),
         "'a b' is no name for a key. Take up to 64 letters, digits, dots, underscores and hyphens."),
        (lambda: remove_key(path, "shpo"), f"{path}: no key named 'shpo'. Did you mean 'shop'?"),
    ):  # fmt: skip
        with pytest.raises(TrimtabError) as raised:
            action()
        assert str(raised.value) == message
    remove_key(path, "shop")
    with pytest.raises(TrimtabError) as raised:
        Keyring(path)
    assert str(raised.value) == f"{path}: holds no key. Make one with `trimtab keys add NAME --key-file {path}`."
    path.write_text("{}[]")
    with pytest.raises(TrimtabError) as raised:
        read_keys(path)
    assert str(raised.value) == f"{path}: no file of keys. Give a file that `trimtab keys add` wrote."


def test_a_key_lets_in_where_its_scopes_say(pretrained: Pretrained, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ask, manage = add_key(path, "ask", ["predict"]), add_key(path, "all", ["predict", "manage"])
    with server(pretrained, ["reviews"], keys=path, store=tmp_path / "store") as served:

        def status(key: str | None, method: str = "GET", path: str = "/v1/tasks") -> int:
            headers = {} if key is None else {"authorization": f"Bearer {key}"}
            body = b"{}" if method == "PUT" else None
            return served.ask(method, path, body, headers)[0]

        assert [status(key) for key in (None, "", "tt-", ask[:-1], ask + "x", ask, manage)] == [401] * 5 + [200] * 2
        assert [status(ask, "DELETE", "/v1/tasks/x"), status(manage, "DELETE", "/v1/tasks/x")] == [403, 404]
        assert [status(ask, "PUT", "/v1/tasks/x"), status(manage, "PUT", "/v1/tasks/x")] == [403, 400]
        assert [status(None, path=path) for path in ("/healthz", "/readyz", "/", "/metrics")] == [200, 200, 200, 401]
        assert (
            served.ask("GET", "/v1/tasks", headers={"authorization": f"Bearer {ask}", "host": "shop.example"})[0] == 200
        )
        remove_key(path, "ask")
        assert [status(ask), status(manage)] == [401, 200]
        path.write_text("damaged")
        assert status(manage) == 401


def test_more_than_a_rate_is_told_when_to_come_again(pretrained: Pretrained) -> None:
    with server(pretrained, ["reviews"], limits=Limits(rate=2.0)) as served:
        found = [served.ask("GET", "/v1/tasks") for _ in range(3)]
        assert [status for status, _, _ in found] == [200, 200, 429]
        _, told, headers = found[-1]
        assert told["error"]["message"] == "More than 2 requests a second."
        assert 0 < int(headers["retry-after-ms"]) <= 500
        assert headers["x-should-retry"] == "true"


def test_without_keys_only_this_machine_may_ask_and_no_page_of_another_site(pretrained: Pretrained) -> None:
    with server(pretrained, ["reviews"]) as served:
        asked = ("POST", "/v1/tasks/reviews/predict", {"input": "a"})
        here = f"127.0.0.1:{served.port}"
        for headers, status in (
            ({"host": f"localhost:{served.port}"}, 200), ({"host": "shop.example"}, 421),
            ({"origin": f"http://{here}"}, 200), ({"origin": "http://shop.example"}, 403), ({"origin": "null"}, 403),
        ):  # fmt: skip
            assert served.ask(*asked, headers)[0] == status, headers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "shop.example"])
def test_an_address_that_others_reach_needs_keys(host: str) -> None:
    with pytest.raises(TrimtabError) as raised:
        check_address(Address(host), keys=False)
    assert str(raised.value) == (
        f"--host {host} is reached from other machines, and there are no keys. Make one with "
        "`trimtab keys add NAME --key-file keys.json` and give --key-file, or leave --host out."
    )
    check_address(Address(host), keys=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1"])
def test_an_address_of_this_machine_needs_none(host: str) -> None:
    check_address(Address(host), keys=False)
