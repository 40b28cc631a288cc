"""The project's own nginx.conf, run by a real nginx in front of a gateway under test."""

import re
import shutil
import subprocess
from pathlib import Path

from csms.settings.env import BASE_DIR
from simulators.processes import any_free_port
from tests.ocpp_gateway.servers import GatewayServer, until

CONFIGURATION = BASE_DIR / "docker" / "nginx.conf"
# The directive `http2` came with 1.25.1, which Debian 12 does not have.
KNOWS_HTTP2 = (1, 25, 1)


def why_not() -> str:
    """The reason why nginx cannot be run here; empty if it can."""
    return "" if shutil.which("nginx") else "no nginx is installed"


class Nginx:
    """Ends TLS with `folder`/fullchain.pem and privkey.pem, asks clients by chargers.pem."""

    def __init__(self, folder: Path, gateway: GatewayServer) -> None:
        program = shutil.which("nginx")
        assert program is not None
        self._program = program
        self._folder = folder
        self._plain, self._secure = any_free_port(), any_free_port()
        self._write(f"127.0.0.1:{gateway.port}")
        self._process: subprocess.Popen[bytes] | None = None

    def _write(self, gateway: str) -> None:
        """Only what differs from machine to machine: addresses, paths, and an older nginx."""
        built = subprocess.run([self._program, "-V"], capture_output=True, text=True, check=True)
        version = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", built.stderr)
        assert version is not None, built.stderr
        places = {
            "listen 80;": f"listen 127.0.0.1:{self._plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self._secure} ssl;",
            "server web:8000;": f"server {gateway};",
            "server gateway:8000;": f"server {gateway};",
            "/etc/nginx/certificates/": f"{self._folder}/",
            "/etc/nginx/authorities/": f"{self._folder}/",
            "/dev/stdout": f"{self._folder}/access.log",
            "/dev/stderr": f"{self._folder}/error.log",
            "worker_processes auto;": "worker_processes 1;",
            "worker_connections 30000;": "worker_connections 1000;",
            "worker_rlimit_nofile 65536;": "",
        }
        if tuple(map(int, version.groups())) < KNOWS_HTTP2:
            places["http2 on;"] = ""
        text = CONFIGURATION.read_text()
        for found, replacement in places.items():
            assert found in text, found
            text = text.replace(found, replacement)
        folders = re.findall(r"--http-((?:\w+-)*\w+)-temp-path=", built.stderr)
        temporary = "\n".join(
            f"{name.replace('-', '_')}_temp_path {self._folder}/{name};" for name in folders
        )
        (self._folder / "nginx.conf").write_text(text.replace("http {", f"http {{\n{temporary}", 1))

    def start(self) -> None:
        log = self._folder / "error.log"
        options = ["-p", str(self._folder), "-c", "nginx.conf", "-e", str(log)]
        own = f"daemon off; pid {self._folder}/nginx.pid;"
        self._process = subprocess.Popen(
            [self._program, *options, "-g", own], stdin=subprocess.DEVNULL
        )
        process = self._process
        until(lambda: (self._folder / "nginx.pid").exists() or process.poll() is not None)
        assert process.poll() is None, log.read_text()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    @property
    def address(self) -> str:
        return f"wss://127.0.0.1:{self._secure}"

    @property
    def plain_port(self) -> int:
        return self._plain

    @property
    def secure_port(self) -> int:
        return self._secure
