"""bench/run log: how fast a log takes entries, gives proofs and serves tiles, beside the limits of
this machine in the same run. Alternating rounds, medians."""
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent.parent
BUILD = HERE / "build"
PROGRAM = BUILD / "src" / "entente"
LOG, HTTP = BUILD / "bench" / "log_bench", BUILD / "bench" / "http_bench"
MAKER = BUILD / "tests" / "e2e" / "make_community"
PROGRAMS = ("bench/log_bench", "bench/http_bench", "tests/e2e/make_community", "src/entente")
FILES = "the WAL's files"
SETTING_UP = 6  # the first entries of make_community: endorsements and delegations
NGINX = """
daemon off; worker_processes auto; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  open_file_cache max=10000; default_type application/octet-stream;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; root {root};
    location / {{ add_header Cache-Control "public, max-age=31536000, immutable"; }} }}
}}
"""


def figures(*command):
    """The "name value" lines that a program prints."""
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True,
                          text=True)
    return {name: float(value) for name, value in
            (line.split() for line in done.stdout.splitlines())}


def median(runs):
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server that listens when the block begins and has ended behind it."""

    def __init__(self, port, *command, environment=None):
        self.port, self.command, self.environment = port, command, environment

    def __enter__(self):
        self.process = subprocess.Popen([str(word) for word in self.command],
                                        env={**os.environ, **(self.environment or {})},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"{self.command[0]}: {self.process.stderr.read().decode()}")
                time.sleep(0.05)
        sys.exit(f"{self.command[0]} does not listen")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)


def serve(port, data, *options):
    return Server(port, PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--rate", "none",
                  "--peer-connections", "none", *options,
                  environment={"ENTENTE_DATA": str(data)})


def until_ready(port):
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
            return
        except urllib.error.HTTPError:
            time.sleep(0.05)
    sys.exit("entente serve is not ready")


def limits(folder, rounds):
    found = median([figures(LOG, "limits", folder) for _ in range(rounds)])
    print("\nWhat this machine can do at most")
    print(f"  Ed25519 verifications of 1 KiB      {found['verify_one_core']:10,.0f} /s on one core,"
          f" {found['verify_all_cores']:,.0f} /s on all,"
          f" {found['verify_per_cpu_second']:,.0f} per CPU second")
    print(f"  SHA-256 of a node, of a 1 KiB leaf  {found['sha256_nodes']:10,.0f} /s,"
          f" {found['sha256_leaves']:,.0f} /s")
    print(f"  write + fdatasync of a batch        {found['fdatasync_256_ms']:10.2f} ms of 256"
          f" entries, {found['fdatasync_4096_ms']:.2f} ms of 4096 (medians)")
    return found


def appends(folder, rounds):
    print("\nDurable appends of 1 KiB signed DSSE statements, in process")
    runs = {}
    for number in range(rounds):
        for batch in (256, 4096):
            for mode, entries in (("plain", 100000), ("check", 40000)):
                log = folder / f"log-{batch}-{mode}-{number}"
                runs.setdefault((batch, mode), []).append(
                    figures(LOG, "append", log, batch, mode, entries))
                shutil.rmtree(log)
    for (batch, mode), found in sorted(runs.items(), key=lambda item: item[0][::-1]):
        found = median(found)
        line = (f"  batch {batch:4}, {'with signature check' if mode == 'check' else 'without check':21}"
                f"{found['entries_per_second']:10,.0f} /s"
                f"   ({found['entries_per_cpu_second']:,.0f} per CPU second)")
        if mode == "check":
            line += (f"   {100 * found['of_verify']:.0f} % of {found['verify_all_cores']:,.0f} raw"
                     f" verifications /s; by CPU time {100 * found['of_verify_by_cpu']:.0f} %")
        print(line)


def databases(folder, rounds):
    """The WAL's files and a PostgreSQL server on the same disk, alternately."""
    server = HERE / "tests" / "postgres"
    runs = {}
    for number in range(rounds):
        for batch in (16, 256, 4096):
            for where in (FILES, "PostgreSQL"):
                log = folder / f"log-{batch}-{number}"
                database = []
                if where == "PostgreSQL":
                    home = pathlib.Path(tempfile.mkdtemp(prefix="entente-pg-"))
                    done = subprocess.run([server, "start", home], capture_output=True, text=True)
                    if done.returncode:
                        print("\nNo PostgreSQL here:", done.stderr.strip())
                        home.rmdir()
                        return
                    database = [done.stdout.strip()]
                runs.setdefault((batch, where), []).append(
                    figures(LOG, "append", log, batch, "plain", min(40000, 400 * batch), *database))
                shutil.rmtree(log)
                if database:
                    subprocess.run([server, "kill", home], check=True)
                    shutil.rmtree(home)
    print("\nDurable appends of 1 KiB statements by where they are committed (synchronous_commit on,"
          " a UNIX socket)")
    for batch in (16, 256, 4096):
        found = {where: median(runs[batch, where]) for where in (FILES, "PostgreSQL")}
        for where, figure in found.items():
            print(f"  batch {batch:4}, {where:20} {figure['entries_per_second']:10,.0f} /s   "
                  f"{1000 * figure['sync_seconds'] / figure['batches']:.2f} ms a commit   "
                  f"({figure['entries_per_cpu_second']:,.0f} per CPU second of ours)")
        print(f"  PostgreSQL / files                  "
              f"{found['PostgreSQL']['entries_per_second'] / found[FILES]['entries_per_second']:10.2f}")


def proofs(folder, rounds):
    log = folder / "million"
    grown = figures(LOG, "grow", log, 1000000)
    print("\nA log of 1,000,000 small entries")
    print(f"  durable appends                     {grown['small_entries_per_second']:10,.0f} /s")
    found = median([figures(LOG, "prove", log, 2) for _ in range(rounds)])
    print(f"  inclusion proofs from tiles         {found['proofs_per_cpu_second']:10,.0f} per CPU"
          f" second of one core ({found['proofs_first_second']:,.0f} in the first second)")
    return log


def tiles(folder, log, rounds):
    paths = [f"/tile/0/x{n // 1000:03}/{n % 1000:03}" if n >= 1000 else f"/tile/0/{n:03}"
             for n in range(0, 3900, 15)]
    ports = {"nginx": free_port()}
    ports["entente serve"] = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=ports["nginx"], root=log))
    data = folder / "data-tiles"
    data.mkdir(mode=0o700)
    runs = {name: [] for name in ports}
    with Server(ports["nginx"], "/usr/sbin/nginx", "-c", folder / "nginx.conf"), \
            serve(ports["entente serve"], data, "--log", log):
        for _ in range(rounds):
            for name, port in ports.items():
                runs[name].append(figures(HTTP, port, "get", 64, 2, *paths))
    if any(run["bad"] for list_of in runs.values() for run in list_of):
        sys.exit(f"tiles were not served: {runs}")
    print("\nFull tiles (8 KiB) over 64 kept-alive connections, the same files, alternately")
    found = {name: median(list_of) for name, list_of in runs.items()}
    for name, figure in found.items():
        print(f"  {name:35} {figure['requests_per_second']:10,.0f} /s   p99 {figure['p99_ms']:.2f}"
              f" ms   bad {figure['bad']:.0f}")
    print(f"  entente serve / nginx               "
          f"{found['entente serve']['requests_per_second'] / found['nginx']['requests_per_second']:10.2f}")


def submissions(folder, entries, connections):
    made = folder / "community"
    subprocess.run([MAKER, made, str(entries)], check=True)
    port = free_port()
    with serve(port, made / "log"):
        until_ready(port)
        first = figures(HTTP, port, "post", 1, "/api/v1/entries?wait=0", made / "entries", 0,
                        SETTING_UP)
        found = figures(HTTP, port, "post", connections, "/api/v1/entries?wait=0",
                        made / "entries", SETTING_UP, SETTING_UP + entries)
    size = (made / "entries" / f"{SETTING_UP:05}.json").stat().st_size
    print(f"\nDurable appends over HTTP, {connections} kept-alive connections, statements of {size}"
          " bytes, whole admission (register, roles, signatures) and a signed receipt each")
    print(f"  entente serve                       {found['requests_per_second']:10,.0f} /s   p50"
          f" {found['p50_ms']:.1f} ms   p99 {found['p99_ms']:.1f} ms   bad"
          f" {found['bad'] + first['bad']:.0f}")


def run(folder, rounds):
    subprocess.run(["ninja", "-C", BUILD, *PROGRAMS], check=True, stdout=subprocess.DEVNULL)
    folder.chmod(0o755)  # nginx reads as another user
    limits(folder, rounds)
    appends(folder, rounds)
    databases(folder, rounds)
    log = proofs(folder, rounds)
    tiles(folder, log, rounds)
    submissions(folder, 10000, 256)
