# Every command of the project. `make` lists them; each sets up what it needs and says so.

.DEFAULT_GOAL := help
# A failed step's half-written file is not taken for a finished one.
.DELETE_ON_ERROR:

# Only relative paths below: a checkout may lie in a folder whose name has spaces.
PY := .venv/bin/python
LOCKS := bootstrap_project/requirements
# What `make lock` fetches where there is no uv of this version: another one may write other locks.
UV_VERSION := 0.13.9
PICTURES := bootstrap_project/docs/pictures

# One set-up for the whole call, however many goals it has (`make -j` too): the larger one when any goal needs it.
RUNTIME_GOALS := run demo serve migrate
DEVELOPMENT_GOALS := setup test test-slow test-all bench pictures fuzz upgrade-drill fmt check check-lint check-format check-types \
	check-imports check-templates check-migrations check-deploy check-dockerfile
LEVEL := $(if $(filter $(DEVELOPMENT_GOALS),$(MAKECMDGOALS)),development,runtime)

# What the two checks that start Django need; made anew for each call and good for nothing else.
CHECK_ENV = DATABASE_URL=sqlite://:memory: MG_BOOTSTRAP_DEBUG=false MG_BOOTSTRAP_HTTPS_ONLY=true \
	MG_BOOTSTRAP_SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	MG_BOOTSTRAP_ENCRYPT_KEY="$$($(PY) -c 'import secrets; print(secrets.token_hex(16))')"

define SETUP_SCRIPT
set -eu
level=$1
say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# PROGRAM: is it a Python that we can use?
suits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        suits "$PYTHON" || fail "PYTHON is set to '$PYTHON', which is no Python 3.11 or newer."
        python=$PYTHON
        return
    fi
    older=
    for python in python3.11 python3.12 python3.13 python3.14 python3; do
        command -v "$python" >/dev/null 2>&1 || continue
        suits "$python" && return
        older=$("$python" --version 2>/dev/null || true)
    done
    fail "Python 3.11 or newer is needed and was not found${older:+ (this is $older)}." \
        "On Debian: apt-get install python3 python3-venv. Elsewhere, say where it is: make PYTHON=/path/to/python3.11 ..."
}

# Debian keeps what a virtual environment needs in a package of its own.
require_venv() {
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing Debian's $package, without which $python makes no virtual environment"
        export DEBIAN_FRONTEND=noninteractive
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package"; } >/dev/null || true
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
    fi
    fail "$python cannot make a virtual environment: its venv package is missing." \
        "Install it, on Debian with: sudo apt-get install $package"
}

make_environment() {
    find_python
    if command -v uv >/dev/null 2>&1; then
        say "Making .venv with uv and $("$python" --version)"
        uv venv --quiet --no-config --clear --python "$python" .venv
    else
        require_venv
        say "Making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv
    fi
    printf '%s\n' "$here" > .venv/.place
}

with_uv() {
    command -v uv >/dev/null 2>&1 || return 1
    # The machine's own certificates, as pip takes them (the second name is an older uv's).
    UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 VIRTUAL_ENV=.venv uv pip install --quiet --require-hashes -r "$lock" && return
    say "uv could not install them; trying pip"
    return 1
}

with_pip() {
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r "$lock"
}

install() {
    say "Installing the locked $level packages ($lock)"
    with_uv || with_pip || fail "The packages could not be installed (see above). A package registry must be in reach."
}

# Programs in .venv name their own path, so one that was moved or copied here is made anew.
usable() {
    suits .venv/bin/python && { [ ! -e .venv/.place ] || [ "$(cat .venv/.place)" = "$here" ]; }
}

# An installation is current as long as the lock file has not changed.
key_of() { cksum < "$locks/$1.txt"; }
current() { [ "$(cat ".venv/.$1.stamp" 2>/dev/null)" = "$(key_of "$1")" ]; }

# The programs of .venv find this checkout from any working directory.
point_here() {
    for packages in .venv/lib/python*/site-packages; do
        [ ! -w "$packages" ] || [ -e "$packages/bootstrap.pth" ] || printf '%s\n' "$here" > "$packages/bootstrap.pth"
    done
    [ ! -w .venv/bin ] || { program magistrala-cli bootstrap_project.cli.main
        program bootstrap-manage bootstrap_project.management.command_line; }
}

# NAME MODULE: what an installed package has for a program. Its second line is sh's, as no `#!` takes a path with a space,
# and to Python it is a text.
program() {
    [ -x ".venv/bin/$1" ] && return
    printf '%s\n' '#!/bin/sh' "\"exec\" \"$here/.venv/bin/python\" \"\$0\" \"\$@\"" 'import sys' \
        "from $2 import main" 'sys.exit(main())' > ".venv/bin/$1"
    chmod +x ".venv/bin/$1"
}

locks=bootstrap_project/requirements
lock=$locks/$level.txt
here=$(pwd)

# Two calls of make at the same time take turns, where the machine has flock.
if command -v flock >/dev/null 2>&1; then
    exec 9<Makefile
    flock 9
fi

if usable && current "$level"; then point_here; exit 0; fi
# Who finds everything installed may as well be somebody who can only read it.
if [ -d .venv ]; then place=.venv; else place=.; fi
[ -w "$place" ] || [ -x .venv/bin/python ] || [ ! -L .venv/bin/python ] || fail "This user may not run the Python of .venv," \
    "$(readlink .venv/bin/python): make .venv with one that everybody may run (PYTHON=/usr/bin/python3 make setup)."
[ -w "$place" ] || fail "No permission to write in $here: work in a copy of your own, or ask for write access to it."
usable || make_environment
install
# The development lock holds all of the runtime lock, at the same versions.
if [ "$level" = development ]; then key_of runtime > .venv/.runtime.stamp; fi
key_of "$level" > ".venv/.$level.stamp"
point_here
say "Ready: $(.venv/bin/python --version) in .venv"
endef
export SETUP_SCRIPT_TEXT = $(value SETUP_SCRIPT)

.PHONY: help
help: ## List the commands
	@printf 'Bootstrap. Commands:\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' Makefile | while IFS='	' read -r name text; do \
		printf '  make %-18s %s\n' "$$name" "$$text"; done
	@printf '\nSettings come from the environment: see bootstrap_project/docs/operations.md.\n'

.PHONY: environment
environment:
	@sh -c "$$SETUP_SCRIPT_TEXT" setup $(LEVEL)

.PHONY: setup
setup: environment ## Make .venv with all locked packages
	@printf 'Set up. Next: make run, or make test\n'

.PHONY: run
run: environment ## Start everything on SQLite with a sandbox platform and an enrolled Raspberry Pi; Ctrl-C ends it
	@$(PY) -m bootstrap_project.demo

.PHONY: demo
demo: environment ## The same, once: print what the Raspberry Pi received and exit
	@$(PY) -m bootstrap_project.demo --exit

.PHONY: serve
serve: environment ## Start the production server with the environment's settings, and nothing else
	@$(PY) -m bootstrap_project.serve

.PHONY: migrate
migrate: environment ## Bring the database that the environment names up to date
	@printf 'Migrating the database\n'
	@$(PY) manage.py migrate --noinput

.PHONY: test
test: environment ## Run the tests on a real PostgreSQL, without the slow ones (ARGS="-k name" runs just these)
	@$(PY) -m tests $(ARGS)

.PHONY: test-slow
test-slow: environment ## Run what make test leaves out: the slow tests, and the journeys on SQLite
	@$(PY) -m tests --slow $(ARGS)

.PHONY: test-all
test-all: environment ## Run every test, on both databases
	@$(PY) -m tests --all $(ARGS)

.PHONY: bench
bench: environment ## Measure the hot paths (ARGS= is passed on)
	@printf 'Running the benchmarks\n'
	@$(PY) -m tests.benchmarks $(ARGS)

.PHONY: pictures
pictures: environment ## Walk the admin in a browser, and renew the pictures of the documentation
	@BROWSER_PICTURES=$(PICTURES) $(PY) -m tests tests/browser/test_story.py -q -s
	@printf 'Pictures are in $(PICTURES); pages that the documentation does not show are there too\n'

.PHONY: upgrade-drill
upgrade-drill: environment ## Upgrade from another commit while devices call (FROM=commit)
	@$(PY) -m tests.instances.upgrade $(FROM) $(ARGS)

.PHONY: fuzz
fuzz: environment ## Compare the template engine with real Go on random templates (ARGS="--seed 7 --count 50000")
	@$(PY) -m tests.gotemplate.fuzz $(ARGS)

.PHONY: check
check: check-lint check-format check-types check-imports check-templates check-migrations check-deploy check-dockerfile ## Run all static checks (make -k check goes on after a failure)
	@printf 'All checks passed\n'

.PHONY: check-lint
check-lint: environment ## - ruff's rules
	@printf 'Checking: ruff\n'
	@$(PY) -m ruff check --quiet .

.PHONY: check-format
check-format: environment ## - formatting
	@printf 'Checking: formatting\n'
	@$(PY) -m ruff format --quiet --check .

.PHONY: check-types
check-types: environment ## - types, strictly
	@printf 'Checking: types\n'
	@$(CHECK_ENV) $(PY) -m mypy .

.PHONY: check-imports
check-imports: environment ## - layers
	@printf 'Checking: layers\n'
	@.venv/bin/lint-imports --no-cache >.venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log; exit 1; }

.PHONY: check-templates
check-templates: environment ## - HTML templates
	@printf 'Checking: templates\n'
	@find templates -name '*.html' -print0 | xargs -0 -r .venv/bin/djade --check --target-version 5.2

.PHONY: check-migrations
check-migrations: environment ## - no model change without its migration, and none that locks or breaks a release
	@printf 'Checking: migrations\n'
	@$(CHECK_ENV) $(PY) manage.py makemigrations --check --dry-run
	@$(PY) -m tests.support.migration_lint

.PHONY: check-deploy
check-deploy: environment ## - settings fit for production
	@printf 'Checking: settings\n'
	@$(CHECK_ENV) $(PY) manage.py check --deploy --fail-level WARNING

.PHONY: check-dockerfile
check-dockerfile: environment ## - Dockerfile
	@printf 'Checking: Dockerfile\n'
	@if [ -x .venv/bin/hadolint ]; then .venv/bin/hadolint Dockerfile; \
	else printf 'hadolint has no build for this machine: skipped\n'; fi

.PHONY: fmt
fmt: environment ## Format the code and mend what ruff can
	@printf 'Formatting\n'
	@$(PY) -m ruff check --quiet --fix . || true
	@$(PY) -m ruff format .

# The one command that renews the locked versions. The development lock is held to the runtime lock's versions.
.PHONY: lock
lock: ## Renew the locked versions of all packages
	@sh -c 'set -eu; \
	case "$$(uv --version 2>/dev/null)" in "uv $(UV_VERSION)"|"uv $(UV_VERSION) "*) uv=uv;; *) \
		printf "Fetching uv $(UV_VERSION) into .venv-uv\n"; \
		python3 -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet --disable-pip-version-check \
			uv==$(UV_VERSION); \
		uv=.venv-uv/bin/uv;; esac; \
	printf "Resolving\n"; \
	compile() { "$$uv" pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" pyproject.toml "$$@"; }; \
	compile -o $(LOCKS)/runtime.txt; \
	compile --group dev -c $(LOCKS)/runtime.txt -o $(LOCKS)/development.txt; \
	rm -rf .venv-uv; \
	printf "Renewed $(LOCKS)/runtime.txt and development.txt\n"'

.PHONY: clean
clean: ## Remove .venv and caches; data under var/ stays
	@printf 'Removing .venv and caches; var/ stays (remove it by hand to lose the data)\n'
	@rm -rf .venv .venv-uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build ./*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
