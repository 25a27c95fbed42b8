# make install: everything that runs, for the programs' packagers and for
# systems without packages.
#
#     make install prefix=/usr DESTDIR=/tmp/root
#
# Configuration that exists is not replaced; the new version is put beside it,
# as FILE.new.

prefix          ?= /usr/local
bindir          ?= $(prefix)/bin
datadir         ?= $(prefix)/share
mandir          ?= $(datadir)/man
sysconfdir      ?= /etc
nginx_moduledir ?= $(prefix)/lib/nginx/modules
unitdir         ?= $(prefix)/lib/systemd/system
sysusersdir     ?= $(prefix)/lib/sysusers.d
tmpfilesdir     ?= $(prefix)/lib/tmpfiles.d
apparmordir     ?= $(sysconfdir)/apparmor.d
completionsdir  ?= $(datadir)/bash-completion/completions

MAN := $(BUILD)/man

# paths in units and configuration
INSTALL_SED = sed -e 's|/usr/bin/leaseloft|$(bindir)/leaseloft|g' \
                  -e 's|/usr/share/leaseloft|$(datadir)/leaseloft|g' \
                  -e 's|/etc/leaseloft|$(sysconfdir)/leaseloft|g'

# $(call install_file,MODE,SOURCE,TARGET): with the paths of this installation
install_file = mkdir -p '$(DESTDIR)$(dir $(3))' && \
    $(INSTALL_SED) $(2) >'$(DESTDIR)$(3).tmp' && \
    chmod $(1) '$(DESTDIR)$(3).tmp' && \
    mv '$(DESTDIR)$(3).tmp' '$(DESTDIR)$(3)'

# the same for configuration: an existing file is the administrator's
install_conf = $(call install_file,$(1),$(2),$(3).new) && (\
    cd '$(DESTDIR)$(dir $(3))' && \
    if [ ! -e $(notdir $(3)) ] || cmp -s $(notdir $(3)).new $(notdir $(3)); \
    then mv $(notdir $(3)).new $(notdir $(3)); \
    else echo "kept $(3); the new one is $(3).new" >&2; fi)

.PHONY: install install-files man

man: $(MAN)/leaseloft.1 $(MAN)/leaseloft-worker.8 $(MAN)/completion

$(MAN)/leaseloft.1: $(BUILD)/leaseloft conf/manual.pl
	@mkdir -p $(@D)
	conf/manual.pl leaseloft $< >$@

$(MAN)/leaseloft-worker.8: $(BUILD)/leaseloft-worker conf/manual.pl
	@mkdir -p $(@D)
	conf/manual.pl leaseloft-worker $< >$@

$(MAN)/completion: $(BUILD)/leaseloft conf/manual.pl
	@mkdir -p $(@D)
	conf/manual.pl completion $< >$@

define INSTALL_FILES
install -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(nginx_moduledir)' \
    '$(DESTDIR)$(mandir)/man1' '$(DESTDIR)$(mandir)/man8' \
    '$(DESTDIR)$(completionsdir)' '$(DESTDIR)$(datadir)/leaseloft'
install $(BUILD)/leaseloft $(BUILD)/leaseloft-worker \
    '$(DESTDIR)$(bindir)'
install -m 644 $(MODULE) '$(DESTDIR)$(nginx_moduledir)'
install -m 644 $(MAN)/leaseloft.1 '$(DESTDIR)$(mandir)/man1'
install -m 644 $(MAN)/leaseloft-worker.8 '$(DESTDIR)$(mandir)/man8'
install -m 644 $(MAN)/completion \
    '$(DESTDIR)$(completionsdir)/leaseloft'
rm -rf '$(DESTDIR)$(datadir)/leaseloft/html'
cp -R html '$(DESTDIR)$(datadir)/leaseloft/html'
chmod -R u=rwX,go=rX '$(DESTDIR)$(datadir)/leaseloft/html'
ln -sf '$(sysconfdir)/leaseloft/pages.json' \
    '$(DESTDIR)$(datadir)/leaseloft/html/config.json'
$(call install_conf,644,html/config.json,$(sysconfdir)/leaseloft/pages.json)
$(call install_file,644,conf/redis.conf,$(datadir)/leaseloft/redis.conf)
$(call install_file,644,conf/leaseloft.acl,$(datadir)/leaseloft/leaseloft.acl)
$(call install_file,644,conf/leaseloft.conf,$(datadir)/leaseloft/leaseloft.conf)
$(foreach f,http api internal pages,$(call install_conf,644,conf/leaseloft/$(f).conf,$(sysconfdir)/nginx/leaseloft/$(f).conf) &&) true
$(call install_conf,600,conf/systemd/redis.conf,$(sysconfdir)/leaseloft/redis.conf)
$(call install_conf,600,conf/systemd/worker.env,$(sysconfdir)/leaseloft/worker.env)
$(call install_file,644,conf/systemd/leaseloft-redis.service,$(unitdir)/leaseloft-redis.service)
$(call install_file,644,conf/systemd/leaseloft-worker@.service,$(unitdir)/leaseloft-worker@.service)
$(call install_file,644,conf/systemd/leaseloft-backup.service,$(unitdir)/leaseloft-backup.service)
$(call install_file,644,conf/systemd/leaseloft-backup.timer,$(unitdir)/leaseloft-backup.timer)
$(call install_file,644,conf/systemd/sysusers.conf,$(sysusersdir)/leaseloft.conf)
$(call install_file,644,conf/systemd/tmpfiles.conf,$(tmpfilesdir)/leaseloft.conf)
$(call install_conf,644,conf/apparmor/leaseloft-worker,$(apparmordir)/leaseloft-worker)
$(call install_conf,644,conf/apparmor/leaseloft-redis,$(apparmordir)/leaseloft-redis)
endef

install: all man
	$(INSTALL_FILES)

# builds nothing
install-files:
	$(INSTALL_FILES)
