"""Run the code of the pages that tell how to use the package, each page in one namespace."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/user_guide.md", "docs/identity.md", "docs/index.md", "docs/start.md")

for page in PAGES:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    if not blocks:
        sys.exit(f"{page} has no code")
    print(f"code of {page}", flush=True)
    exec(compile("\n".join(blocks), page, "exec"), {"__name__": "__main__"})
