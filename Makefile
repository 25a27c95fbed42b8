# make            the nginx module, the worker and the command line
# make run        builds and starts everything with demo data, until Ctrl-C
# make start      the same in the background; make stop ends it
# make test       builds and runs all tests
# make install    what runs, below DESTDIR and prefix (conf/install.mk)
# make deb        Debian packages of it, in build/deb; make test-deb tests them
# make bench      measures LeaseLoft and other servers
# make SAN=1 ...  the same under AddressSanitizer and UBSan, in build-san/
#
# NGINX_SRC=DIR   builds the module against these nginx sources (and nginx
#                 itself, unless DIR/objs/nginx exists) instead of nginx-dev
# BUILD=DIR       the build directory
# V=1             prints every command


ifdef SAN
BUILD ?= build-san
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
             -fno-omit-frame-pointer
NGINX_SAN := -fno-sanitize=undefined
OPT ?= -O1 -g
else
BUILD ?= build
OPT ?= -O2 -g
endif

CC = gcc

ifndef V
MAKEFLAGS += --silent --no-print-directory
endif

# variables of the command line are for this file, not for nginx's makefile
MAKEOVERRIDES =

# headers are included without their folder, as in nginx: no two share a name,
# and t/layout.t checks which folder includes which
WORKER_DIRS := $(patsubst %/,%,$(wildcard worker/ worker/*/))
MODULE_DIRS := $(patsubst %/,%,$(wildcard ngx_leaseloft_module/ \
                                          ngx_leaseloft_module/*/))

CPPFLAGS += -D_GNU_SOURCE -I. -Icommon $(WORKER_DIRS:%=-I%) -I$(BUILD)
CFLAGS ?= $(OPT)
WARN = -Wall -Wextra -Wpointer-arith -Wstrict-prototypes -Werror
COMPILE = $(CC) -std=c11 $(CPPFLAGS) $(CFLAGS) $(SAN_FLAGS) $(WARN) -fPIC -MMD -MP
WORKER_LIBS = -lhiredis -lcjson -lssl -lcrypto -lzstd -lutf8proc -lm

COMMON_SRCS := $(wildcard common/*.c)
CLI_SRCS    := $(wildcard worker/cli/*.c)
WORKER_SRCS := $(filter-out worker/main.c $(CLI_SRCS), \
                            $(wildcard $(WORKER_DIRS:%=%/*.c)))
UNIT_SRCS   := $(wildcard t/unit/*.c)
FUZZ_SRCS   := $(wildcard fuzz/fuzz_*.c)
INSIDE_SRCS := $(wildcard fuzz/inside/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

BENCH := $(BUILD)/bench/load $(BUILD)/bench/floor

MODULE := $(BUILD)/ngx_leaseloft_module.so
UNITS  := $(patsubst t/unit/%.c,$(BUILD)/t/%,$(UNIT_SRCS))
REPLAY := $(patsubst fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRCS)) \
          $(patsubst fuzz/inside/%.c,$(BUILD)/fuzz/%.so,$(INSIDE_SRCS))

# parameters of make run, make start and make stop
export PORT          ?= 8080
export INTERNAL_PORT ?= 8081
export RUN_DIR       ?= run
export NGINX_WORKERS ?= auto
export LEASELOFT_WORKERS ?= 1
export REDIS_URL
export BUILD

# not NGINX, the variable in which nginx passes its sockets to a new binary
ifdef NGINX_SRC
export NGINX_BIN ?= $(firstword $(wildcard $(NGINX_SRC)/objs/nginx) \
                                $(abspath $(BUILD))/nginx/nginx)
else
export NGINX_BIN ?= nginx
endif

export REDIS_BIN ?= redis-server

# set by the first make, and inherited by those that it starts
ifdef SAN
ifndef SAN_NGINX
export SAN_NGINX := $(NGINX_BIN)
endif
override NGINX_BIN := $(abspath conf/nginx_san.sh)
endif


.PHONY: all module tests deps test-deps run start stop test test-faults soak \
        test-palloc test-valgrind prove node-modules fuzz lint lint-deps \
        lint-code verify-page format bench bench-programs clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: module $(BUILD)/leaseloft-worker $(BUILD)/leaseloft

module: $(MODULE)

tests: all man $(UNITS) $(REPLAY) $(BENCH) $(BUILD)/t/lib/cluster_call


# --- Debian packages ---

# DEPS=no: nothing is installed
deps:
	@[ '$(DEPS)' = no ] || conf/deps.sh build

test-deps:
	@conf/deps.sh build test


# --- worker, command line, unit tests, fuzz replays ---

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | deps
	@mkdir -p $(@D)
	@echo "  compile  $<"
	$(COMPILE) -c -o $@ $<

$(BUILD)/functions.h: $(wildcard worker/lua/*)
	@mkdir -p $(@D)
	sh worker/lua/embed.sh worker/lua/functions.lua $@

# the generated header must exist before the first compilation; later the
# dependency files list who includes it
$(call obj,$(WORKER_SRCS) $(CLI_SRCS) worker/main.c): | $(BUILD)/functions.h

$(BUILD)/libcommon.a: $(call obj,$(COMMON_SRCS))
	rm -f $@ && ar rcs $@ $^

$(BUILD)/libworker.a: $(call obj,$(WORKER_SRCS))
	rm -f $@ && ar rcs $@ $^

LIBS = $(BUILD)/libworker.a $(BUILD)/libcommon.a
LINK = echo "  link     $@"; \
       $(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^)

$(BUILD)/leaseloft-worker: $(call obj,worker/main.c) $(LIBS)
	$(LINK) $(WORKER_LIBS)

$(BUILD)/leaseloft: $(call obj,$(CLI_SRCS)) $(LIBS)
	$(LINK) $(WORKER_LIBS)

$(BUILD)/t/%: $(BUILD)/obj/t/unit/%.o $(LIBS)
	@mkdir -p $(@D)
	$(LINK) -Wl,--as-needed -lcmocka $(WORKER_LIBS)

# run by t/cluster_client.t
$(BUILD)/t/lib/%: $(BUILD)/obj/t/lib/%.o $(LIBS)
	@mkdir -p $(@D)
	$(LINK) $(WORKER_LIBS)

# fuzz targets are always built, with a driver that replays the corpus
$(BUILD)/fuzz/%: $(BUILD)/obj/fuzz/%.o $(BUILD)/obj/fuzz/replay.o $(LIBS)
	@mkdir -p $(@D)
	$(LINK) $(call wrapped,fuzz/$*.c) $(WORKER_LIBS)

# targets of the module run inside nginx, with the module's objects; a target
# replaces some functions of nginx, and a few of the module, by --wrap
NGINX_FUZZ  := $(wildcard fuzz/nginx*.c)
wrapped      = $(shell sed -n 's/^__wrap_\([A-Za-z_]*\).*/-Wl,--wrap=\1/p' $(1))
NGINX_WRAP  := $(call wrapped,fuzz/nginx_wrap.c fuzz/nginx_client.c)
NGINX_INCS   = $(patsubst %,-isystem $(NGINX_TREE)/src/%,core event \
                   event/modules event/quic os/unix http http/modules \
                   http/v2 http/v3) \
               -isystem $(BUILD)/nginx $(MODULE_DIRS:%=-I%)
NGINX_TREE   = $$(cat $(BUILD)/nginx/srcdir)
MODULE_LIBS  = -lhiredis -ljwt -lcjson -lssl -lcrypto -lzstd

NGINX_OBJS  := $(call obj,$(NGINX_FUZZ) $(INSIDE_SRCS))

$(NGINX_OBJS): private CPPFLAGS += $(NGINX_INCS)
$(NGINX_OBJS): private WARN += -Wno-unused-parameter
$(NGINX_OBJS): | $(MODULE)

$(BUILD)/fuzz/%.so: $(BUILD)/obj/fuzz/inside/%.o $(call obj,$(NGINX_FUZZ)) \
                    $(BUILD)/obj/fuzz/replay.o $(MODULE)
	@mkdir -p $(@D)
	echo "  link     $@"
	$(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -shared -o $@ \
	    $(filter %.o,$^) $(BUILD)/nginx/addon/*/*.o $(NGINX_WRAP) \
	    $(MODULE_LIBS)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# changed flags rebuild everything
FLAGS_NOW = $(CC) $(CPPFLAGS) $(CFLAGS) $(SAN_FLAGS) $(WARN)

$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' > $@

FORCE:


# --- nginx module ---
#
# The module is installed by a rename, as a running nginx may have it loaded.
#
# nginx's configure writes the module's makefile into $(BUILD)/nginx; it runs
# again only if its arguments or the list of files have changed.
#
# An nginx that is built here has no UBSan, which would end it at once: nginx
# copies zero bytes from null pointers, and reads unaligned words.

MODULE_SRCS := $(wildcard $(MODULE_DIRS:%=%/*.c)) $(COMMON_SRCS)
MODULE_HDRS := $(wildcard $(MODULE_DIRS:%=%/*.h) common/*.h)
MODULE_NOW   = $(abspath .) $(NGINX_SRC) $(CC) $(CFLAGS) $(SAN_FLAGS) \
               $(MODULE_SRCS) $(MODULE_HDRS)

$(BUILD)/module-inputs: FORCE
	@mkdir -p $(@D)
	@echo '$(MODULE_NOW)' | cmp -s - $@ || echo '$(MODULE_NOW)' > $@

$(BUILD)/nginx/Makefile: config conf/configure.sh $(BUILD)/module-inputs | deps
	@echo "  configure nginx for the module"
	CC='$(CC)' CFLAGS='$(CFLAGS) $(SAN_FLAGS)' \
	    LDFLAGS='$(SAN_FLAGS) $(LDFLAGS)' \
	    conf/configure.sh '$(abspath $(BUILD))' $(NGINX_SRC)

$(MODULE): $(BUILD)/nginx/Makefile $(MODULE_SRCS) $(MODULE_HDRS)
	@echo "  module   $@"
	$(MAKE) -C $$(cat $(BUILD)/nginx/srcdir) -f $(abspath $<) modules
	@if nm -uD $(BUILD)/nginx/ngx_leaseloft_module.so | grep -w U \
	    | grep -E ' (ngx_leaseloft|ll)_'; then \
	    echo "undefined in the module: see above" >&2; exit 1; fi
	cp $(BUILD)/nginx/ngx_leaseloft_module.so $@.new
	mv $@.new $@
	if [ -e $(BUILD)/nginx/own ]; then \
	    echo "  nginx    $(BUILD)/nginx/nginx"; \
	    $(MAKE) -C $$(cat $(BUILD)/nginx/srcdir) -f $(abspath $<) binary \
	        CFLAGS="$$(sed -n 's/^CFLAGS = *//p' $<) $(NGINX_SAN)"; \
	fi


# --- demo ---

run start: all
	@conf/run.sh $@

stop:
	@conf/run.sh stop


# --- installation ---

include conf/install.mk

# Debian packages, in BUILD/deb
.PHONY: deb
deb:
	@conf/deps.sh build deb
	@conf/deb.sh '$(abspath $(BUILD))'

# installs, upgrades and removes them in a bare Debian with systemd, made in
# build/deb-root; some minutes, the first time
.PHONY: test-deb
test-deb: deb
	@conf/deps.sh test-deb
	@lintian --fail-on error --tag-display-limit 0 $(BUILD)/deb/*.changes
	@conf/deb_root.sh $(abspath $(BUILD))/deb-root/debian $(BUILD)/deb/*.deb
	@DEB_ROOT=$(abspath $(BUILD))/deb-root/debian $(PROVE) t/deb/packages.t \
	    t/deb/acceptance.t


# --- tests ---
#
# T="t/send.t ..." runs only these.  prove runs Perl, compiled TAP programs and
# node tests, and reports what was skipped.  Tests mostly wait, for a ping or
# the end of a lease, so more of them than processors may run at a time.  The
# longest come first: in turns those in the browser, which are busy, and others,
# which wait.

PROVE := perl -It/lib -S prove --harness LeaseLoft::Harness --timer -It/lib \
         -e conf/prove.sh

PAGES := $(sort $(wildcard t/browser/*.test.mjs))
WAITS := t/record_http.t \
         $(sort $(wildcard t/*sentinel*.t t/cluster_*.t t/redis_*.t))
MIXED := $(subst |, ,$(join $(PAGES:=|),$(WAITS)))

T ?= $(MIXED) $(sort $(filter-out $(WAITS),$(wildcard t/*.t t/js/*.test.mjs))) \
     $(UNITS) $(REPLAY)
J ?= 6

test: test-deps
	@$(MAKE) --no-print-directory -j2 tests
	@$(MAKE) --no-print-directory node-modules
	@$(PROVE) -j$(J) $(T)

# npm packages that drive the browser in tests and check the pages' code; not
# needed to run LeaseLoft
node-modules: $(if $(wildcard t/browser/package.json),\
                   t/browser/node_modules/.package-lock.json)

t/browser/node_modules/.package-lock.json: t/browser/package.json
	@echo "installing npm's packages for tests and make lint (t/browser)"
	if (cd t/browser && npm install --no-package-lock --no-audit \
	    --no-fund --loglevel=error); \
	then touch $@; \
	else echo "npm failed, so the tests in t/browser will fail" >&2; fi


# --- long tests ---
#
# make test-faults   kills every process that may be killed, under load; about
#                    ten minutes, an hour with LONG=1.  F="t/fault/failover.t
#                    ..." runs only these, LEASELOFT_SEED=N repeats a run's
#                    random choices.
# make soak          connects, sends, reads and leaves for T=600 seconds; then
#                    memory, descriptors and Redis must be as before

F ?= $(sort $(wildcard t/fault/*.t))

test-faults: test-deps
	@$(MAKE) --no-print-directory -j2 all
	@LEASELOFT_LONG=$(or $(LONG),$(LEASELOFT_LONG)) \
	    $(PROVE) $(F)

soak: test-deps
	@$(MAKE) --no-print-directory -j2 all
	@LEASELOFT_SOAK=$(call told,600) \
	    prove --timer -It/lib t/fault/soak.pl


# --- tests with memory checkers ---
#
# make SAN=1 test      AddressSanitizer and UBSan, for all code of LeaseLoft
# make test-palloc     the same with an nginx whose pools make each allocation
#                      separately, so that the sanitizers see it; built from
#                      Debian's sources, or from NGINX_SRC=DIR
# make test-valgrind   worker, command line, unit tests and the worker's fuzz
#                      corpus under valgrind
#
# T="t/send.t ..." runs only these.

# these tests compute rather than wait
SLOW_J = $(if $(filter command,$(origin J)),$(J),2)

# the value of T= on the command line, or else the default
told = $(if $(filter command,$(origin T)),$(T),$(1))

PALLOC      := build-palloc
PALLOC_T    := $(filter-out t/bench.t t/docs.t t/html.t t/layout.t t/run.t \
                            t/worker%.t,$(wildcard t/*.t)) \
               $(patsubst fuzz/inside/%.c,$(PALLOC)/fuzz/%.so,$(INSIDE_SRCS))
PALLOC_MAKE := $(MAKE) --no-print-directory SAN=1 BUILD=$(PALLOC) \
               NGINX_SRC=$(or $(NGINX_SRC),$(abspath $(PALLOC)/src/nginx)) \
               SAN_NGINX=$(abspath $(PALLOC)/nginx/nginx) \
               OPT='-O1 -g -DNGX_DEBUG_PALLOC=1'

test-palloc: test-deps
	@if [ -e '$(NGINX_SRC)/objs/nginx' ]; then \
	    echo "$(NGINX_SRC) has a built nginx: use clean sources" >&2; exit 1; fi
	$(if $(NGINX_SRC),,conf/deps.sh palloc && \
	    conf/nginx_src.sh $(PALLOC)/src)
	@$(PALLOC_MAKE) -j2 tests
	@$(PALLOC_MAKE) prove J=$(SLOW_J) T='$(call told,$(PALLOC_T))'

VALGRIND   := valgrind -q --error-exitcode=9 --leak-check=full \
              --show-leak-kinds=definite --errors-for-leak-kinds=definite
VALGRIND_T := t/cli.t $(wildcard t/worker*.t t/lease*.t) $(patsubst %,t/%.t, \
              chain history inbox read schedule send windows write zone) \
              $(UNITS) $(filter-out %.so,$(REPLAY))

test-valgrind: test-deps
	@conf/deps.sh valgrind
	@$(MAKE) --no-print-directory -j2 tests
	@LEASELOFT_UNDER='$(VALGRIND)' $(MAKE) --no-print-directory prove \
	    J=$(SLOW_J) T='$(call told,$(VALGRIND_T))'

prove:
	@$(PROVE) -j$(J) $(T)


# make fuzz T=cursor S=60: fuzzes one target for S seconds, under
# AddressSanitizer and UBSan; the corpus that it finds is kept from run to run
# in build/fuzz-run, as are inputs that crash it
S ?= 60

FUZZ_RUN  := build/fuzz-run
FUZZ_WITH  = $(FUZZ_RUN)/corpus-$(T) fuzz/corpus/$(T) -max_total_time=$(S) \
             -artifact_prefix=$(FUZZ_RUN)/ -timeout=10 \
             $(patsubst %,-dict=%,$(wildcard fuzz/dict/$(T)))
CLANG      = clang -std=c11 -g -O1 $(CPPFLAGS) \
             -fsanitize=fuzzer$(1),address,undefined \
             -fno-sanitize-recover=undefined

fuzz:
	@conf/deps.sh fuzz
	mkdir -p $(FUZZ_RUN)/corpus-$(T)
	$(MAKE) $(FUZZ_RUN)/$(if $(wildcard fuzz/inside/$(T).c),$(T).so,$(T))
	$(if $(wildcard fuzz/inside/$(T).c),fuzz/nginx.sh $(FUZZ_RUN)/$(T).so, \
	    $(FUZZ_RUN)/$(T)) $(FUZZ_WITH)

$(FUZZ_RUN)/%.so: fuzz/inside/%.c $(NGINX_FUZZ) $(MODULE) FORCE
	@mkdir -p $(@D)
	$(call CLANG,-no-link) $(NGINX_INCS) -fPIC -shared -shared-libasan \
	    -Wl,-Bsymbolic -o $@ $(filter %.c,$^) $(MODULE_SRCS) \
	    $$(clang -print-file-name=libclang_rt.fuzzer_no_main-x86_64.a) \
	    $(NGINX_WRAP) $(MODULE_LIBS) -lstdc++ -lm

$(FUZZ_RUN)/%: fuzz/fuzz_%.c $(BUILD)/functions.h FORCE
	@mkdir -p $(@D)
	$(CLANG) -o $@ $< $(WORKER_SRCS) $(COMMON_SRCS) $(call wrapped,$<) \
	    $(WORKER_LIBS)


# --- measurements ---
#
# make bench B="memory polls" runs only these; the other servers are installed
# in build/peers, not into the system.  RUNS=3 is the number of runs.

BENCH_SRCS := $(filter-out bench/floor.c,$(wildcard bench/*.c))

bench-programs: $(BENCH)

$(BUILD)/bench/load: $(call obj,$(BENCH_SRCS) worker/base/descriptors.c)
	@mkdir -p $(@D)
	$(LINK) -lssl -lcrypto

$(BUILD)/bench/floor: $(call obj,bench/floor.c worker/base/descriptors.c)
	@mkdir -p $(@D)
	$(LINK)

RUNS ?= 3

bench: test-deps
	@$(MAKE) --no-print-directory -j2 all bench-programs
	@bench/peers.sh $(abspath $(BUILD))
	@RUNS=$(RUNS) perl bench/run.pl $(B)


# --- format of the code ---

NODE_BIN := t/browser/node_modules/.bin
C_FILES := $(wildcard common/*.[ch] $(WORKER_DIRS:%=%/*.[ch]) \
                      $(MODULE_DIRS:%=%/*.[ch]) \
                      fuzz/*.[ch] fuzz/inside/*.c t/unit/*.[ch] \
                      t/fault/lib/*.c bench/*.[ch])

# inserts the scripts that html/verify.html contains
verify-page:
	@conf/verify_page.pl

# lint-code only checks: it installs nothing, so it prints only findings
lint: lint-deps
	@$(MAKE) --no-print-directory lint-code

lint-deps: node-modules
	@conf/deps.sh lint

lint-code:
	@conf/format --check $(C_FILES)
	@if [ -e $(NODE_BIN)/tsc ]; then \
	    $(NODE_BIN)/tsc -p t/browser && \
	    $(NODE_BIN)/eslint --config t/browser/eslint.config.mjs html t bench; \
	else echo "html/js is not checked: run npm install in t/browser" >&2; fi

format:
	@conf/deps.sh lint
	@conf/format $(C_FILES)


clean:
	rm -rf build build-san build-palloc
