# What one does with Aloft's source. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
ARCHES  := amd64 arm64 riscv64 loong64

# The Debian packages that Aloft needs to run, and to build its tiny test image; TEST_PACKAGES is what its tests need more.
QEMU_amd64   := qemu-system-x86 seabios ipxe-qemu
QEMU_arm64   := qemu-system-arm qemu-efi-aarch64 ipxe-qemu
QEMU_riscv64 := qemu-system-misc opensbi u-boot-qemu
DEBARCH      := $(shell dpkg --print-architecture 2>/dev/null)
PACKAGES     := $(QEMU_$(DEBARCH)) qemu-utils libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients \
	openvswitch-switch ovn-central ovn-host iproute2 nftables ethtool procps ca-certificates \
	e2fsprogs openssh-client
TEST_PACKAGES := gcc libc6-dev git util-linux iputils-ping busybox python3-openstackclient postgresql
CONFORMANCE_PACKAGES := python3-tempest keystone-tempest-plugin python3-stestr subunit python3-junitxml

.PHONY: help up down build build-all tiny test lint fmt unit e2e bench conformance deps deps-test clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: deps build ## from a bare Debian to a running server that one can ssh into (as root)
	bin/aloft up

down: build ## stop all that up started; PURGE=1 removes the data too (as root)
	bin/aloft down $(if $(PURGE),--purge)

build: ## bin/aloft
	$(BUILD) -o bin/aloft ./cmd/aloft

build-all: $(ARCHES:%=bin/aloft-linux-%) ## bin/aloft-linux-ARCH for every architecture

.PHONY: $(ARCHES:%=bin/aloft-linux-%)
$(ARCHES:%=bin/aloft-linux-%): bin/aloft-linux-%:
	GOOS=linux GOARCH=$* $(BUILD) -o $@ ./cmd/aloft

tiny: deps build ## build the tiny test image, bin/aloft-tiny.qcow2
	bin/aloft image build-tiny bin/aloft-tiny.qcow2

test: lint unit e2e ## everything that must pass

lint: ## formatting, the floors, and the usual mistakes
	@unformatted=$$($(TOOL) gofumpt -l cmd internal images test); \
	  if [ -n "$$unformatted" ]; then printf 'not formatted (run make fmt):\n%s\n' "$$unformatted" >&2; exit 1; fi
	$(TOOL) golangci-lint run ./...

fmt: ## format the source
	$(TOOL) gofumpt -w cmd internal images test

unit: deps-test ## unit tests with the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 25m ./internal/... ./cmd/... ./images/... ./test/bench/...

e2e: deps-test tiny ## the real engines, driven by clients that others wrote (as root)
	@[ "$$(id -u)" = 0 ] || { echo 'make e2e starts engines and makes network namespaces: run it as root' >&2; exit 1; }
	$(GO) test -count=1 -timeout 40m ./test/namespace/... ./test/fabric/... ./test/e2e/...

bench: deps-test tiny ## measure Aloft beside what it drives (as root); BENCH=Servers for one, see docs/benchmarks.md
	$(GO) test -count=1 -timeout 60m -run "^$$" -bench '$(or $(BENCH),.)' -benchtime 1x -v ./test/bench/...

conformance: deps-test build ## OpenStack's own tests of identity and networks, tempest and keystone-tempest-plugin (as root)
	@[ "$$(id -u)" = 0 ] || { echo 'make conformance makes network namespaces: run it as root' >&2; exit 1; }
	@scripts/install-packages $(CONFORMANCE_PACKAGES)
	$(GO) test -count=1 -timeout 90m -v ./test/conformance/...

deps: ## install the Debian packages that are missing (as root)
	@scripts/install-packages $(PACKAGES)

deps-test:
	@scripts/install-packages $(PACKAGES) $(TEST_PACKAGES)

clean: ## remove what was built
	rm -rf bin
