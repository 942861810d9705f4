"""entente log fsck on the log that Tessera wrote, whole and damaged, from a folder and by HTTP
(source_folder.c, source_http.c; a check that goes on: fsck_records.c)."""
import functools
import http.server
import json
import pathlib
import shutil
import threading

import pytest

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "tlog"
SIZE = 1300


@pytest.fixture
def log(shared, tmp_path):
    folder = tmp_path / "log"
    shutil.copytree(shared / "data" / "tlog" / "log-1300", folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


@pytest.fixture
def key():
    policy = (VECTORS / "policy.txt").read_text().splitlines()
    return next(line.split()[1] for line in policy if line.startswith("log "))


@pytest.fixture
def fsck(entente, key):
    def run(place, *options, status=0, key=key):
        done = entente("log", "fsck", place, "--format", "json", "--key", key,
                       "--allow-unwitnessed", *options, status=status)
        return json.loads(done.stdout) if done.stdout else done.stderr
    return run


@pytest.fixture
def served(log):
    """The log behind HTTP: its URL, the paths that were asked for, and those that fail."""
    asked, broken = [], set()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path in broken:
                self.send_error(500)
            else:
                super().do_GET()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                             functools.partial(Handler, directory=str(log)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked, broken
    server.shutdown()
    server.server_close()


def origin(log):
    return (log / "checkpoint").read_text().splitlines()[0]


def test_tesseras_log_is_whole(entente, fsck, log):
    result = fsck(log)
    assert result["whole"] and result["size"] == SIZE and result["entries"] == SIZE
    assert result["tiles"] == 13 and result["partial_tiles"] == 26
    assert result["signature"] == "unwitnessed"
    assert "whole" in entente("log", "fsck", log, "--policy", VECTORS / "policy.txt",
                              "--allow-unwitnessed").stdout


def test_verdict_says_what_the_signatures_are_worth(entente, log, key):
    for options, words in (([], "not checked"), (["--key", key], "unwitnessed"),
                           (["--policy", VECTORS / "policy.txt"], "unwitnessed")):
        done = entente("log", "fsck", log, *options, status=3)
        assert words in done.stdout and "whole" in done.stdout


def wanted_index(row):
    """The first entry under the changed hash; None for a bundle or the checkpoint."""
    parts = row["file"].split("/")
    if parts[0] != "tile" or parts[1] == "entries":
        return None
    tile = int(parts[2].split(".")[0])
    return (tile * 256 + row["offset"] // 32) * 256 ** int(parts[1])


def test_each_changed_byte_is_found(fsck, log):
    rows = [json.loads(line) for line in (VECTORS / "corruptions.jsonl").read_text().splitlines()]
    assert len(rows) == 61
    for row in rows:
        path = log / row["file"]
        good = path.read_bytes()
        bad = bytearray(good)
        bad[row["offset"]] ^= row["xor"]
        path.write_bytes(bad)
        result = fsck(log, status=None)
        if row["file"] != "checkpoint":
            assert result["whole"] is False, row
            assert row["file"].split("/")[2][:3] in result["difference"], row
            if wanted_index(row) is not None:
                assert result["first_bad"] == wanted_index(row), row
        else:
            assert isinstance(result, str) and result, row
        path.write_bytes(good)
    assert fsck(log)["whole"]


def test_partial_tiles_that_lie_there_are_compared(fsck, log):
    for name, offset, index in (("tile/0/000.p/200", 199 * 32, 199), ("tile/1/000.p/2", 33, 256),
                                ("tile/entries/001.p/44", 5, 256)):
        path = log / name
        good = path.read_bytes()
        path.write_bytes(good[:offset] + bytes([good[offset] ^ 1]) + good[offset + 1:])
        result = fsck(log, status=1)
        assert name in result["difference"] and result["first_bad"] == index
        path.write_bytes(good)


def test_missing_and_longer_files(fsck, log):
    for name, index in (("tile/0/003", 3 * 256), ("tile/entries/004", 4 * 256),
                        ("tile/1/000.p/5", 0), ("tile/entries/005.p/20", 5 * 256)):
        path = log / name
        good = path.read_bytes()
        path.unlink()
        result = fsck(log, status=1)
        assert name in result["difference"] and result["first_bad"] == index
        path.write_bytes(good + b"\0")
        assert name in fsck(log, status=1)["difference"]
        path.write_bytes(good)


def test_checkpoint_of_another_key(fsck, log):
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert "not signed" in fsck(log, status=1, key=other)


def test_remote_log(fsck, served):
    url, asked, _ = served
    result = fsck(url, "--allow-private")
    assert result["whole"] and result["entries"] == SIZE
    assert "/tile/entries/005.p/20" in asked and "/tile/1/000.p/5" in asked


def test_remote_needs_leave(fsck, served):
    assert "http" in fsck(served[0], status=4)


def test_remote_check_is_resumed(fsck, served, log, tmp_path):
    """It goes on behind the tiles that were found good before; false ones do not help a liar."""
    url, asked, _ = served
    state = tmp_path / "check.state"
    head = f"entente-fsck 1\n{origin(log)}\n".encode()
    roots = (log / "tile" / "1" / "000.p" / "5").read_bytes()[:3 * 32]
    state.write_bytes(head + roots)
    result = fsck(url, "--allow-private", "--resume", state)
    assert result["whole"] and result["resumed"] == 3 * 256 and result["entries"] == SIZE - 3 * 256
    assert "/tile/entries/002" not in asked and "/tile/entries/003" in asked
    assert not state.exists()
    state.write_bytes(head + roots[32:64] + roots[:32])
    assert fsck(url, "--allow-private", "--resume", state, status=1)["first_bad"] == 0
    assert not state.exists()
    state.write_bytes(b"entente-fsck 1\nanother.example\n")
    assert "remove it" in fsck(url, "--allow-private", "--resume", state, status=2)


def test_stopped_check_leaves_where_it_was(fsck, served, log, tmp_path):
    """A server that fails ends the check; what it had found good is kept for the next one."""
    url, _, broken = served
    state = tmp_path / "check.state"
    broken.add("/tile/entries/004")
    assert "500" in fsck(url, "--allow-private", "--resume", state, "--threads", "1", status=3)
    assert len(state.read_bytes()) == len(f"entente-fsck 1\n{origin(log)}\n") + 4 * 32
    broken.clear()
    assert fsck(url, "--allow-private", "--resume", state)["resumed"] == 4 * 256


def test_the_communitys_policy_is_the_default(entente, log):
    """Once joined, nobody has to name the policy; a log of others stays unjudged."""
    community = entente.folder / "data" / "community"
    community.mkdir(parents=True)
    (entente.folder / "data").chmod(0o700)
    (community / "policy.json").write_text((VECTORS / "policy.txt").read_text())
    assert "signatures: unwitnessed" in entente("log", "fsck", log, status=3).stdout
    policy = (VECTORS / "policy.txt").read_text().replace("log.alpha.example/entente+fa4879f7+AQpr9"
                                                          "y76cQALPsMgiSx4b15MYJSotZRGmdvUTa7chQMM",
                                                          "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvD"
                                                          "XNlMhV3HeJDpjrASKGLWdop")
    (community / "policy.json").write_text(policy)
    assert "signatures: not checked" in entente("log", "fsck", log, status=3).stdout
    assert "unknown-log" in entente("log", "fsck", log, "--policy", community / "policy.json",
                                    status=1).stderr
