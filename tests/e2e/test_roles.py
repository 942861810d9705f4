"""Roles: what the profile accepts is what measures read, so that no role silently changes nothing."""
import json
import re

from conftest import ROOT


def test_every_role_means_something():
    schema = json.loads((ROOT / "docs/schema/profile.json").read_text())
    hosts = schema["properties"]["assets"]["properties"]["hosts"]["items"]
    known = set(hosts["properties"]["roles"]["items"]["enum"])
    sources = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.c"))
    loader = (ROOT / "src/profile/profile_load.c").read_text()
    accepted = set(re.findall(r'"([a-z-]+)"', re.search(r"known_roles\[\] = \{(.*?)\};", loader,
                                                       re.S).group(1)))
    read = set(re.findall(r'host_has_role\([^,]+, "([a-z-]+)"', sources))
    services = (ROOT / "src/p7_hygiene/host/service_measures.c").read_text()
    read |= set(re.findall(r'"[a-z0-9-]+\.(?:service|socket)",\s*"([a-z]+)"', services))
    assert accepted == known
    assert read <= known
    assert known - read == {"server"}  # the plain case, which no measure needs to ask for
    manual = (ROOT / "docs/man/entente.yaml.5.scd").read_text()
    assert [role for role in known if f"*{role}*" not in manual] == []
