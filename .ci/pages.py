"""Run the code of the pages that tell how to use the package, each page in one namespace.

The shell commands of the page of the command line run too, one after the other in an empty folder.
"""

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/user_guide.md", "docs/identity.md", "docs/index.md", "docs/start.md")
SHELL_PAGES = ("docs/command_line.md",)


def blocks(page: str, language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    if not found:
        sys.exit(f"{page} has no code")
    print(f"code of {page}", flush=True)
    return "\n".join(found)


for page in PAGES:
    exec(compile(blocks(page, "python"), page, "exec"), {"__name__": "__main__"})
for page in SHELL_PAGES:
    # The commands of this environment come first, activated or not.
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as folder:
        commands = ["bash", "-euxo", "pipefail", "-c", blocks(page, "sh")]
        subprocess.run(commands, cwd=folder, env=os.environ | {"PATH": path}, check=True)
