"""About ten kills of everything that runs, in a site of their own; the long run is `make faults`."""

import subprocess
import sys

from tests.faults.processes import ROOT


def test_nothing_is_lost_and_nothing_done_twice():
    """The exit status says whether an answer, a judgment or a count was wrong; the table shows which."""
    command = [sys.executable, "-m", "tests.faults", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
