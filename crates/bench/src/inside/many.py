# many.py FOLDER COUNT: so many bundles of a folder, verified by sigstore-python.
import json
import pathlib
import statistics
import sys
import time

from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
issuer = (folder / "issuer.txt").read_text()
root = TrustedRoot.from_file(str(folder / "trusted_root.json"))
verifier = Verifier(trusted_root=root)
identity = Identity(identity="dev@example.com", issuer=issuer)
everything = [
    ((folder / f"{n}.json").read_text(), (folder / f"{n}.txt").read_bytes())
    for n in range(count)
]
rounds = []
for _ in range(4):
    cpu, wall = time.process_time(), time.perf_counter()
    for bundle, blob in everything:
        verifier.verify_artifact(blob, Bundle.from_json(bundle), identity)
    each = 1e6 / count
    rounds.append(
        ((time.perf_counter() - wall) * each, (time.process_time() - cpu) * each)
    )
wall, cpu = sorted(rounds[1:])[1]
print(json.dumps({"cpu": cpu, "wall": wall}))
