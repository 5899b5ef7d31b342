"""Reads an SBOM with another's tool, holds it against the format's schema or rules, and prints
how many components or packages it lists."""

import json
import sys

form, path = sys.argv[1:]
text = open(path, encoding="utf-8").read()
if form == "cyclonedx-json":
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        sys.exit(f"not CycloneDX 1.6 by its schema: {wrong}")
    print(len(Bom.from_json(json.loads(text)).components))
else:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    # The file's suffix says which form it is.
    document = parse_file(path)
    wrong = validate_full_spdx_document(document)
    if wrong:
        sys.exit("\n".join(f"{w.validation_message}" for w in wrong[:10]))
    print(len(document.packages))
