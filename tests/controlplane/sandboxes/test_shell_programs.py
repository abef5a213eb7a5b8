"""The simulated machine's shell compared with the real `sh` and programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mogplex_tui.controlplane.sandboxes.vm.disk import Disk
from mogplex_tui.controlplane.sandboxes.vm.program_environment import Machine
from mogplex_tui.controlplane.sandboxes.vm.repo_contents import Repository
from mogplex_tui.controlplane.sandboxes.vm.shell import run_line

FILES = {
    "README.md": "# small\n\nOne two three\nfour\n",
    "package.json": '{"scripts": {"test": "vitest run", "lint": "eslint .", "dev": "vite", "build": "tsc"}}\n',
    "notes/list.txt": "pear\napple\nPear\napple\nfig\n",
    "notes/deep/more.txt": "an apple a day\n",
    "src/index.ts": "export const one = 1;\n",
    ".hidden": "x\n",
}


@pytest.fixture
def machine() -> Machine:
    repo = Repository("acme/small", "main", None, "node24")
    return Machine(Disk(FILES), repo, "main", "", 1_764_600_000_000_000)


def run(machine: Machine, line: str) -> tuple[int, str, str]:
    """Return the exit code, standard output and standard error of a command line."""
    written: dict[str, list[str]] = {"stdout": [], "stderr": []}
    steps = run_line(machine, line)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return int(end.value), "".join(written["stdout"]), "".join(written["stderr"])
        written[step.stream].append(step.text)


@pytest.mark.parametrize(
    "line",
    [
        "ls; ls notes; ls -a notes",
        "ls nothing",
        "ls README.md notes/list.txt",
        "cat README.md notes/list.txt",
        "cat notes",
        "echo piped | cat",
        "echo -n no newline",
        "head -2 notes/list.txt; tail -n 2 notes/list.txt; head -n 1 README.md; tail -1 README.md",
        "head nothing",
        "cat notes/list.txt | tail -1",
        "grep apple notes/list.txt; grep -n apple notes/list.txt; grep -v apple notes/list.txt",
        "grep -i pear notes/list.txt; grep pear notes/list.txt README.md",
        "grep -r day notes/deep",
        "grep plum notes/list.txt || echo none",
        "grep plum nothing",
        "find . -name more.txt; find notes/deep",
        "cd notes && ls -A; ls -a deep",
        "find notes -name '*.txt' -type f | sort; find notes -type d | sort",
        "find nothing",
        "cat notes/list.txt | sort -u; sort -r < /dev/null",
        "mkdir new && touch new/a && ls new && mkdir -p new/b/c && ls new",
        "mkdir notes",
        "mkdir -p notes",
        "touch notes/list.txt; cat notes/list.txt",
        "rm notes; echo $?",
        "rm nothing",
        "rm -f nothing && echo gone",
        "rm -r notes && ls",
        "rm notes/list.txt; ls notes",
        "mv README.md notes; ls notes; ls README.md",
        "mv notes/deep src; ls src; cat src/deep/more.txt",
        "mv notes/list.txt README.md; cat README.md",
        "mv notes notes/deep",
        "mv nothing here",
        "mv one",
        "cp README.md copy.md; cat copy.md; cp README.md notes && cat notes/README.md",
        "cp nothing here",
        "cp one",
        "cd notes && cat list.txt; cd ..; cat .hidden",
        "cd nothing || echo stayed",
        "cd nothing && echo went",
        "true && echo yes || echo no; false && echo yes || echo no",
        "echo one > out.txt; echo two >> out.txt; cat out.txt",
        "echo lost > /dev/null; echo kept",
        "ls nothing 2> /dev/null; echo after; ls nothing 2> errors; ls errors",
        "echo one > notes; ls notes",
        "CI=1 echo set; A=1",
        "echo 'quoted; not a separator' | grep separator",
        "exit 7; echo never",
        "no-such-program",
        "sleep x; sleep 0",
    ],
)
def test_output_and_exit_code_match_real_shell(machine: Machine, tmp_path: Path, line: str) -> None:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    real = subprocess.run(
        ["sh", "-c", line],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    code, stdout, stderr = run(machine, line)
    assert (stdout, bool(stderr)) == (real.stdout, bool(real.stderr))
    # Every code above 0 is a failure; which one it is differs between systems.
    assert bool(code) == bool(real.returncode)
    assert code == real.returncode or real.returncode not in (7, 127)


def test_git_reports_working_tree_changes(machine: Machine) -> None:
    assert run(machine, "git status")[1].endswith("nothing to commit, working tree clean\n")
    run(machine, "echo two > src/index.ts; rm README.md; echo new > src/new.ts")
    code, status, _ = run(machine, "git status")
    assert code == 0 and "On branch main" in status
    assert "\tmodified:   src/index.ts\n" in status and "\tdeleted:    README.md\n" in status
    assert status.endswith("Untracked files:\n\tsrc/new.ts\n\nno changes added to commit\n")
    assert run(machine, "git status -sb")[1] == "## main\n D README.md\n M src/index.ts\n?? src/new.ts\n"
    assert run(machine, "git diff --name-only")[1] == "README.md\nsrc/index.ts\n"
    assert run(machine, "git diff --stat")[1].endswith(" src/index.ts | 1 +\n 2 files changed\n")
    assert "diff --git a/src/index.ts b/src/index.ts\n" in run(machine, "git diff")[1]
    assert run(machine, "git commit")[::2] == (1, "error: no message given; use -m\n")
    code, committed, _ = run(machine, "git add . && git commit -m 'Two'")
    assert code == 0 and committed.startswith("[main ") and "] Two\n 3 files changed\n" in committed
    assert run(machine, "git commit -m Again")[0] == 1


def test_git_reports_history_branch_and_remote(machine: Machine) -> None:
    head = run(machine, "git rev-parse HEAD")[1].strip()
    assert len(head) == 40
    assert run(machine, "git log --oneline -2")[1].splitlines()[0].startswith(head[:7])
    assert f"commit {head}\nAuthor: " in run(machine, "git log")[1]
    for line, expected in [
        ("git branch", "* main\n"),
        ("git branch --show-current", "main\n"),
        ("git rev-parse --abbrev-ref HEAD", "main\n"),
        ("git remote", "origin\n"),
        ("git fetch", ""),
        ("git pull", "Already up to date.\n"),
        ("git version", "git version 2.49.0\n"),
    ]:
        assert run(machine, line) == (0, expected, ""), line
    assert "https://github.com/acme/small.git (push)" in run(machine, "git remote -v")[1]
    assert "main -> main" in run(machine, "git push")[2]
    assert run(machine, "git rebase")[::2] == (1, "git: 'rebase' is not a git command. See 'git --help'.\n")


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("npm --version", 0, "11.4.2"),
        ("pnpm install", 0, "Done in "),
        ("yarn test", 0, "> vitest run"),
        ("npm run lint", 0, "No problems found"),
        ("npm run build", 0, "Built in 3.1s"),
        ("npm run dev", 1, "Port 3000 is in use"),
        ("npm run deploy", 1, 'Missing script: "deploy"'),
        ("echo broken > package.json; npm run lint", 1, 'Missing script: "lint"'),
        ("rm package.json; npm test", 1, 'Missing script: "test"'),
        ("pytest --version", 0, "pytest 1.0.0"),
        ("vitest", 0, " passed ("),
        ("python --version", 0, "Python 3.13.5"),
        ("python -m pytest -q", 0, "> pytest -q"),
        ("python nothing.py", 2, "can't open file 'nothing.py'"),
        ("python src/index.ts; python3 -c 1; echo ran", 0, "ran"),
        ("node --version", 0, "v24.3.0"),
        ("node nothing.js", 1, "Cannot find module 'nothing.js'"),
        ("node src/index.ts && node -e 1 && echo ran", 0, "ran"),
        ("uv run pytest", 0, " passed ("),
        ("uv sync", 2, "No `pyproject.toml` found"),
        ("claude --version", 0, "claude 2.0.0"),
        ("echo new > new.txt; codex exec", 0, "1 files differ from the last commit"),
        ("pwd; cd src; pwd; echo $PWD $HOME", 0, "/vercel/sandbox/src /vercel/sandbox"),
        ("env", 0, "TERM=xterm-256color\n"),
        ("date +%Y", 0, "2025\n"),
        ("which git pwd", 0, "/usr/bin/git\n/usr/bin/pwd\n"),
        ("which no-such-program", 1, ""),
        ("cat ../../etc/passwd", 1, "cat: Permission denied"),
        (
            "wc notes/list.txt; wc -l README.md notes/list.txt",
            0,
            "5 5 26 notes/list.txt\n4 README.md\n5 notes/",
        ),
        ("cat notes/list.txt | wc -lw", 0, "5 5\n"),
        ("wc nothing", 1, "wc: nothing: No such file or directory"),
        ("ls -l notes", 0, "4096 Dec 01 "),
        ("ls -la", 0, "-rw-r--r-- 1 sandbox sandbox       2 Dec 01 "),
        ("cat ~/notes/deep/more.txt; ls /vercel/sandbox/notes/deep", 0, "an apple a day\nmore.txt\n"),
        ("whoami; uname", 0, "sandbox\nLinux sandbox"),
    ],
)
def test_programs_end_with_code_and_text(machine: Machine, line: str, code: int, text: str) -> None:
    ended, stdout, stderr = run(machine, line)
    assert (ended, text in stdout + stderr) == (code, True), stdout + stderr
