"""What is in deploy/ fits the program: its settings, its user, its pages' policies, one writer, no secret in the open."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tools import deploy_check, env_example, pages, try_image

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS = [
    each for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) for each in yaml.safe_load_all(path.read_text())
]
PODS = {each["metadata"]["name"]: each["spec"] for each in MANIFESTS if each["kind"] in ("Deployment", "StatefulSet")}
DOCKERFILE = try_image.instructions((PROJECT / "Dockerfile").read_text())


@pytest.mark.parametrize("name", deploy_check.CHECKS)
def test_what_this_machine_can_look_at_is_in_order(name):
    try:
        assert deploy_check.CHECKS[name]() == ""
    except deploy_check.LackingError as lack:
        pytest.skip(str(lack))


def test_the_example_of_settings_is_that_of_the_settings_page():
    assert pages.written({env_example.FILE: env_example.page()}, check=True) == 0


def test_it_sets_nothing_and_names_each_setting_once():
    lines = env_example.FILE.read_text().splitlines()
    names = [
        line[1:].partition("=")[0]
        for line in lines
        if line.startswith("#") and not line.startswith("# ") and len(line) > 1
    ]
    assert len(names) == len(set(names)) > 25
    assert {"OVERBUILD_CONTACT", "OVERBUILD_TIINGO_KEY", "OVERBUILD_SEC_URL"} <= set(names)
    assert [line for line in lines if line and not line.startswith("#")] == []


def with_secrets(*command: str, **given: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **given}
    program = str(DEPLOY / "with-secrets")
    return subprocess.run([program, *command], env=environment, capture_output=True, text=True, check=False)


def test_prefects_secrets_are_read_from_files_and_ours_are_left_to_the_program(tmp_path):
    (secret := tmp_path / "a secret").write_text('it\'s a "$secret" `x`\n')
    given = {"PREFECT_SERVER_DATABASE_PASSWORD_FILE": str(secret), "OVERBUILD_TIINGO_KEY_FILE": str(secret)}
    done = with_secrets("env", **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'PREFECT_SERVER_DATABASE_PASSWORD=it\'s a "$secret" `x`\n' in done.stdout
    assert "PASSWORD_FILE" not in done.stdout
    assert f"OVERBUILD_TIINGO_KEY_FILE={secret}\n" in done.stdout
    assert with_secrets("sh", "-c", "exit 7").returncode == 7


def test_a_secret_that_is_missing_empty_or_given_twice_is_named_and_not_shown(tmp_path):
    (empty := tmp_path / "empty").touch()
    (full := tmp_path / "full").write_text("hunter2")
    for path in (tmp_path / "missing", empty):
        done = with_secrets("true", PREFECT_API_KEY_FILE=str(path))
        assert done.returncode == 2
        assert f"PREFECT_API_KEY_FILE={path}: this file is missing, empty or closed" in done.stderr
    done = with_secrets("true", PREFECT_API_KEY_FILE=str(full), PREFECT_API_KEY="hunter2")
    assert done.returncode == 2
    assert "both set" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_the_image_runs_as_a_user_by_number_with_a_probe_and_no_tools():
    final = DOCKERFILE[max(at for at, (what, _) in enumerate(DOCKERFILE) if what == "FROM") :]
    said = dict(final)
    assert said["USER"] == "10001:10001"
    assert "/live" in said["HEALTHCHECK"]
    assert [rest for what, rest in final if what == "RUN" and "pip" in rest] == []
    assert all("--require-hashes" in rest for what, rest in DOCKERFILE if what == "RUN" and "requirements-" in rest)


def test_the_builder_is_given_every_file_that_is_copied_and_nothing_more():
    for what, rest in DOCKERFILE:
        if what == "COPY" and "--from" not in rest:
            for name in [word for word in rest.split() if not word.startswith("--")][:-1]:
                assert try_image.sources(name)
    for name in (
        "tests/conftest.py",
        ".git/config",
        "data/warehouse.duckdb",
        "deploy/.env",
        "deploy/secrets/x",
        "overbuild.toml",
    ):
        assert try_image.ignored(name), name
    assert try_image.ignored("flows/__pycache__/answer.cpython-311.pyc")


def containers() -> list[tuple[str, dict[str, Any]]]:
    pods = [(name, pod["template"]["spec"]) for name, pod in PODS.items()]
    return [
        (name, each | {"pod": pod})
        for name, pod in pods
        for each in (*pod.get("initContainers", ()), *pod["containers"])
    ]


def test_one_home_has_one_writer():
    pod = PODS["overbuild"]
    assert (pod["replicas"], pod["strategy"]) == (1, {"type": "Recreate"})
    [claim] = [each for each in MANIFESTS if each["kind"] == "PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    writers = [name for name, each in containers() for mount in each["volumeMounts"]
               if mount["name"] == "home" and not mount.get("readOnly")]  # fmt: skip
    assert set(writers) == {"overbuild"}
    mounts = {
        name: [v for v in each.get("volumes", ()) if str(v).startswith("home:")]
        for name, each in COMPOSE["services"].items()
    }
    assert [name for name, found in mounts.items() if any(not each.endswith(":ro") for each in found)] == ["worker"]


@pytest.mark.parametrize(("name", "each"), [pytest.param(n, c, id=f"{n}: {c['name']}") for n, c in containers()])
def test_every_container_of_the_cluster_is_bounded_and_closed(name, each):
    assert each["securityContext"]["readOnlyRootFilesystem"] is True
    assert each["securityContext"]["allowPrivilegeEscalation"] is False
    assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert each["pod"]["securityContext"]["runAsNonRoot"] is True
    assert each["pod"]["automountServiceAccountToken"] is False
    assert {"cpu", "memory"} <= set(each["resources"]["limits"])
    if each in each["pod"]["containers"]:
        assert "livenessProbe" in each


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_of_compose_is_bounded_and_closed(name):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert "healthcheck" in service
    assert all(str(port).startswith(("127.0.0.1:", "${SITE_ADDRESS:-127.0.0.1:")) for port in service.get("ports", ()))


def test_every_prefect_server_stands_behind_the_guard_and_is_told_the_names_by_which_it_is_asked():
    """Prefect's own settings keep no page of the web from its WebSockets, nor one whose name leads to it."""
    unit = (DEPLOY / "systemd" / "overbuild-prefect.service").read_text()
    [pod] = [each for name, each in containers() if name == "prefect-server"]
    server = COMPOSE["services"]["server"]
    commands = [re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)[0].split(), pod["args"], server["command"]]
    assert all(("-m", "flows.guarded") in itertools.pairwise(command) for command in commands)
    assert "--host 127.0.0.1 " in unit
    for path in (*DEPLOY.rglob("*"), PROJECT / "Dockerfile"):
        if path.is_file() and path.suffix != ".md":
            assert not re.search(r"^[^#]*prefect\W+server\W+start", path.read_text(), re.MULTILINE), path

    named = {name["name"]: name.get("value") for name in pod["env"]}["OVERBUILD_SERVER_NAMES"]
    asked = [urlsplit(each["value"]).hostname for _, one in containers() for each in one.get("env", ())
             if each["name"] == "PREFECT_API_URL"]  # fmt: skip
    assert set(asked) == {named}
    clients = [each.get("environment", {}) for each in COMPOSE["services"].values()]
    asked = [urlsplit(each["PREFECT_API_URL"]).hostname for each in clients if "PREFECT_API_URL" in each]
    assert set(asked) == {server["environment"]["OVERBUILD_SERVER_NAMES"].split()[0]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):  # kubelet asks by the number of the pod
        assert pod[probe]["httpGet"]["httpHeaders"] == [{"name": "Host", "value": "127.0.0.1:4200"}]


def test_no_secret_stands_in_a_file_that_is_kept():
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.name != ".env" and "secrets" not in path.parts:
            found = re.findall(
                r"^\s*-?\s*(\S*(?:PASSWORD|KEY|TOKEN|password|secret))[:=] *([^\s$#{].*)$",
                path.read_text(),
                re.MULTILINE,
            )
            assert [each for each in found if not each[1].startswith(("/run/secrets", "http"))] == [], path


def test_the_web_servers_policy_lets_every_page_do_what_its_own_lets_it_and_no_more_comes_from_elsewhere():
    text = (DEPLOY / "nginx" / "site.conf").read_text()
    served = directives(re.findall(r'Content-Security-Policy "([^"]*)"', text)[0])
    of_pages = [
        found
        for path in (PROJECT / "warehouse").rglob("*")
        if path.suffix in (".j2", ".html", ".py")
        for found in re.findall(
            r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"', path.read_text(encoding="utf-8")
        )
    ]
    assert len(of_pages) >= 5
    for policy in of_pages:
        policy = re.sub(r"{% if .*? %}(.*?){% endif %}", r"\1", policy)
        for name, allowed in directives(policy).items():
            assert allowed - {"file:", "'none'"} <= served[name], (name, policy)
    assert served["frame-ancestors"] == served["base-uri"] == served["default-src"] == {"'none'"}
    assert not {"*", "http:", "https:", "'unsafe-eval'"} & set.union(*served.values())
    assert "'unsafe-inline'" not in served["script-src"]


def directives(policy: str) -> dict[str, set[str]]:
    return {words[0]: set(words[1:]) for part in policy.split(";") if (words := part.split())}


def test_the_web_server_serves_the_pages_and_nothing_else_of_the_home():
    text = (DEPLOY / "nginx" / "site.conf").read_text()
    assert re.findall(r"^  location (?:= )?(\S+)", text, re.MULTILINE) == [
        "/",
        "/alive",
        "/site/",
        "/quality/",
        "/export/",
        "/",
    ]
    assert "location / { return 404; }" in text
