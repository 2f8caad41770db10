# make run    the whole platform with the demo province, on this machine
# make test   everything CI runs
# make build  bin/lgsp       make bench  measurements       make fmt lint  tidy and check

SHELL := bash
WITHDB := go run ./internal/pgtest/withdb
GOFILES := $(shell find . -name node_modules -prune -o -name '*.go' -print 2>/dev/null)
WEBFILES := $(shell find web -name node_modules -prune -o -name dist -prune -o -type f -print 2>/dev/null)

.PHONY: run build test bench fmt lint openapi clean

run: build
	@scripts/need postgres
	@bin/lgsp serve --demo

build: bin/lgsp

bin/lgsp: $(GOFILES) $(WEBFILES) web/dist/manifest.json go.mod
	@scripts/need go
	go build -trimpath -o $@ ./cmd/lgsp

web/dist/manifest.json: web/node_modules/.package-lock.json $(WEBFILES)
	@scripts/need node
	npm --prefix web run --silent build

web/node_modules/.package-lock.json: web/package-lock.json
	@scripts/need node
	npm --prefix web ci --no-audit --no-fund --silent

test/node_modules/.package-lock.json: test/package-lock.json
	npm --prefix test ci --no-audit --no-fund --silent

# The management API's document: swag writes Swagger 2.0 from the comments of
# portal/, which is lifted to OpenAPI 3.0.
openapi:
	go run ./portal/openapi

# Where goroutines share memory the race detector looks on; with it the rest
# would take ten minutes more.
RACED := ./auth $(addprefix ./gateway,/. /cache /journal /queue /quota /upstream) \
         $(addprefix ./internal/,entrance http1 http2 jobs keyring recall telemetry webhook) ./ledger

test: lint build test/node_modules/.package-lock.json
	@scripts/need postgres redis chromium cc clients openssl haproxy
	$(WITHDB) go test -race -timeout 15m $(RACED)
	$(WITHDB) go test -race -timeout 15m -run TestF17 ./auth/oauth
	$(WITHDB) go test -timeout 15m -run TestReloadsAreFlat ./gateway # a thousand reloads, which the race detector has left out
	$(WITHDB) go test -timeout 15m ./cmd/lgsp ./portal $$(comm -13 <(go list $(RACED) | sort) <(go list ./... | sort))
	$(WITHDB) npm --prefix test run --silent test

lint: web/dist/manifest.json
	@unformatted=$$(gofmt -l $(GOFILES)); test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	npm --prefix web run --silent check

fmt:
	gofmt -w $(GOFILES)

bench: build
	@scripts/need postgres load caddy
	go run ./test/bench

clean:
	rm -rf bin web/dist/* test/output
