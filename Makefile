# uv goes to .uv and all packages to .venv; the system's Python is not touched. uv keeps what it
# downloads in the user's cache, as usual.
ifneq ($(words $(CURDIR)),1)
$(error zc.buildout cannot work below a path with a space: clone Pelagos elsewhere than $(CURDIR))
endif
PYTHON ?= python3
# Many tests wait for servers and clocks: one more than there are processors keeps these at work.
WORKERS ?= $(shell expr $$(nproc) + 1)
UV := .uv/bin/uv
BIN := .venv/bin
STAMP := .venv/.set-up
LDAP := .venv/.with-ldap
# The tests start thousands of programs: each would compile all its modules anew.
unexport PYTHONDONTWRITEBYTECODE
export UV_LINK_MODE := copy
export UV_PYTHON_DOWNLOADS := never
# The machine's own certificates, where it has any: they know the proxies of its house.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := true
endif

.PHONY: setup demo test openstack interop check lint type bench docs lock clean
setup: $(STAMP)

$(UV):
	@$(PYTHON) tools/get_uv.py .uv

$(STAMP): pyproject.toml requirements.lock | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: setup  ## the main job, shown
	@$(BIN)/python examples/demo.py

# The library of LDAP sources is built on the spot. Without a compiler and its headers (Debian:
# libldap-dev, libsasl2-dev) everything else works, and the tests of these sources are skipped.
$(LDAP): $(STAMP) requirements-ldap.lock
	@if printf '#include <ldap.h>\n#include <sasl/sasl.h>\n' | $(CC) -E - >/dev/null 2>&1; then \
	  $(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
	    --require-hashes --requirement requirements-ldap.lock && touch $@; fi

# What failed beside others is run once more, alone: a busy machine may be late. What fails again
# fails; what does not has been told, and is a test to be mended.
define tested
@$(BIN)/python -m pytest -n $(WORKERS) $(1) || { \
  [ $$? -eq 1 ] && echo "once more, alone: what failed" && \
  $(BIN)/python -m pytest $(1) --last-failed --last-failed-no-failures none --maxfail 1; }
endef

test: setup $(LDAP)  ## all tests but those of `make openstack`
	$(call tested,-m "not whole_openstack")

# Apart from the others: a dozen more services start for them, and want the machine for themselves.
openstack: setup  ## the tests on all services of a real OpenStack, which it installs and starts
	$(call tested,-m whole_openstack --real-calls tests/contract tests/interop)

interop: setup $(LDAP)  ## of both the tests with programs that we did not write
	@$(BIN)/python -m pytest -n $(WORKERS) -m "interop or whole_openstack"

check: lint type  ## what needs no server

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYTHONPATH=src $(BIN)/lint-imports --no-logo

type: setup
	@$(BIN)/mypy

bench: setup  ## side by side with the peers; takes minutes
	@$(BIN)/python -m benchmarks

docs: setup  ## the manual as HTML, in build/docs
	@$(BIN)/python -m sphinx --quiet --jobs auto --fail-on-warning --keep-going \
	  --doctree-dir .cache/sphinx docs build/docs

lock: $(UV)  ## take the newest versions that pyproject.toml allows
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	  --group dev --upgrade pyproject.toml --output-file requirements.lock
	@echo 'bonsai>=1.5.3' | $(UV) pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make lock' --constraints requirements.lock --upgrade - \
	  --output-file requirements-ldap.lock

clean:
	@rm -rf .venv .uv .cache build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
