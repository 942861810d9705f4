#include "p7_hygiene/host/privileged.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#define U S_ISUID
#define G S_ISGID

const struct privileged_file *privileged_known(const char *path)
{
    static const struct privileged_file files[] = {
        { "at", "/usr/bin/at", U | G },
        { "bsd-mailx", "/usr/bin/bsd-mailx", G },
        { "bsdextrautils", "/usr/bin/write", G },
        { "bsdutils", "/usr/bin/wall", G },
        { "bsdutils", "/usr/bin/write.ul", G },
        { "bsdutils", "/usr/bin/script", G },
        { "chromium-sandbox", "/usr/lib/chromium/chrome-sandbox", U },
        { "cockpit-ws", "/usr/lib/cockpit/cockpit-session", U },
        { "cron", "/usr/bin/crontab", G },
        { "cronie", "/usr/bin/crontab", G },
        { "dbus", "/usr/lib/dbus-1.0/dbus-daemon-launch-helper", U },
        { "dbus-system-bus-common", "/usr/lib/dbus-1.0/dbus-daemon-launch-helper", U },
        { "dma", "/usr/sbin/dma", G },
        { "dma", "/usr/lib/dma/dma-mbox-create", U },
        { "ecryptfs-utils", "/usr/sbin/mount.ecryptfs_private", U },
        { "emacs-bin-common", "/usr/libexec/emacs/28.2/x86_64-linux-gnu/movemail", G },
        { "exim4-daemon-heavy", "/usr/sbin/exim4", U },
        { "exim4-daemon-light", "/usr/sbin/exim4", U },
        { "fuse", "/usr/bin/fusermount", U },
        { "fuse3", "/usr/bin/fusermount3", U },
        { "inetutils-ping", "/usr/bin/ping", U },
        { "iputils-ping", "/usr/bin/ping", U },
        { "kbd", "/usr/bin/vlock", G },
        { "kismet-capture-linux-wifi", "/usr/bin/kismet_cap_linux_wifi", U },
        { "libpam-modules-bin", "/usr/sbin/unix_chkpwd", G },
        { "libpam-modules-bin", "/usr/sbin/pam_extrausers_chkpwd", G },
        { "libutempter0", "/usr/lib/x86_64-linux-gnu/utempter/utempter", G },
        { "libutempter0", "/usr/lib/aarch64-linux-gnu/utempter/utempter", G },
        { "libvte-2.91-common", "/usr/lib/x86_64-linux-gnu/vte/gnome-pty-helper", G },
        { "liblockfile-bin", "/usr/bin/dotlockfile", G },
        { "lockdev", "/usr/sbin/lockdev", G },
        { "login", "/usr/bin/newgrp", U },
        { "login", "/usr/bin/su", U },
        { "mailutils", "/usr/sbin/maidag", U },
        { "man-db", "/usr/bin/man", U },
        { "man-db", "/usr/bin/mandb", U },
        { "mlocate", "/usr/bin/mlocate", G },
        { "mount", "/usr/bin/mount", U },
        { "mount", "/usr/bin/umount", U },
        { "msmtp", "/usr/bin/msmtp", G },
        { "mtr-tiny", "/usr/bin/mtr-packet", U },
        { "mutt", "/usr/bin/mutt_dotlock", G },
        { "nfs-common", "/usr/sbin/mount.nfs", U },
        { "ntfs-3g", "/usr/bin/ntfs-3g", U },
        { "nullmailer", "/usr/sbin/nullmailer-queue", U },
        { "openssh-client", "/usr/bin/ssh-agent", G },
        { "openssh-client", "/usr/lib/openssh/ssh-keysign", U },
        { "opensmtpd", "/usr/sbin/smtpctl", G },
        { "passwd", "/usr/bin/chage", G },
        { "passwd", "/usr/bin/chfn", U },
        { "passwd", "/usr/bin/chsh", U },
        { "passwd", "/usr/bin/expiry", G },
        { "passwd", "/usr/bin/gpasswd", U },
        { "passwd", "/usr/bin/passwd", U },
        { "plocate", "/usr/bin/plocate", G },
        { "pmount", "/usr/bin/pmount", U },
        { "pmount", "/usr/bin/pumount", U },
        { "policykit-1", "/usr/bin/pkexec", U },
        { "policykit-1", "/usr/lib/policykit-1/polkit-agent-helper-1", U },
        { "polkitd", "/usr/lib/polkit-1/polkit-agent-helper-1", U },
        { "polkitd", "/usr/libexec/polkit-agent-helper-1", U },
        { "pkexec", "/usr/bin/pkexec", U },
        { "postfix", "/usr/sbin/postdrop", G },
        { "postfix", "/usr/sbin/postqueue", G },
        { "ppp", "/usr/sbin/pppd", U },
        { "procmail", "/usr/bin/lockfile", G },
        { "procmail", "/usr/bin/procmail", U | G },
        { "qemu-system-common", "/usr/lib/qemu/qemu-bridge-helper", U },
        { "screen", "/usr/bin/screen", G },
        { "sendmail-bin", "/usr/lib/sm.bin/sendmail", G },
        { "snapd", "/usr/lib/snapd/snap-confine", U | G },
        { "spice-client-glib-usb-acl-helper",
          "/usr/lib/x86_64-linux-gnu/spice-client-glib-usb-acl-helper", U },
        { "spice-client-glib-usb-acl-helper", "/usr/libexec/spice-client-glib-usb-acl-helper", U },
        { "squid", "/usr/lib/squid/pinger", U },
        { "sudo", "/usr/bin/sudo", U },
        { "sudo-ldap", "/usr/bin/sudo", U },
        { "systemd-cron", "/usr/lib/systemd-cron/crontab_setgid", G },
        { "uidmap", "/usr/bin/newgidmap", U },
        { "uidmap", "/usr/bin/newuidmap", U },
        { "util-linux", "/usr/bin/su", U },
        { "virtualbox", "/usr/lib/virtualbox/VBoxNetNAT", U },
        { "xserver-xorg-legacy", "/usr/lib/xorg/Xorg.wrap", U },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        if (g_str_equal(files[i].path, path))
            return &files[i];
    return NULL;
}

#define CAP(name) (G_GUINT64_CONSTANT(1) << (name))

const struct privileged_capability *privileged_capability_known(const char *path)
{
    static const struct privileged_capability files[] = {
        { "iputils-ping", "/usr/bin/ping", CAP(CAP_NET_RAW) },
        { "iputils-arping", "/usr/bin/arping", CAP(CAP_NET_RAW) },
        { "iputils-clockdiff", "/usr/bin/clockdiff", CAP(CAP_NET_RAW) | CAP(CAP_SYS_NICE) },
        { "fping", "/usr/bin/fping", CAP(CAP_NET_RAW) },
        { "mtr", "/usr/bin/mtr-packet", CAP(CAP_NET_RAW) },
        { "mtr-tiny", "/usr/bin/mtr-packet", CAP(CAP_NET_RAW) },
        { "wireshark-common", "/usr/bin/dumpcap", CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) },
        { "libgstreamer1.0-0",
          "/usr/lib/x86_64-linux-gnu/gstreamer1.0/gstreamer-1.0/gst-ptp-helper",
          CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_NET_ADMIN) | CAP(CAP_SYS_NICE) },
        { "libgstreamer1.0-0",
          "/usr/lib/aarch64-linux-gnu/gstreamer1.0/gstreamer-1.0/gst-ptp-helper",
          CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_NET_ADMIN) | CAP(CAP_SYS_NICE) },
        { "gnome-keyring", "/usr/bin/gnome-keyring-daemon", CAP(CAP_IPC_LOCK) },
        { "kwin-wayland", "/usr/bin/kwin_wayland", CAP(CAP_SYS_NICE) },
        { "nethogs", "/usr/sbin/nethogs", CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        if (g_str_equal(files[i].path, path))
            return &files[i];
    return NULL;
}

static guint32 little_endian(const guint8 *bytes)
{
    guint32 value;

    memcpy(&value, bytes, sizeof value);
    return GUINT32_FROM_LE(value);
}

gboolean privileged_read_capability(const guint8 *value, gsize length, guint64 *permitted,
                                    guint64 *inheritable, gboolean *effective)
{
    const gsize sizes[] = { 0, XATTR_CAPS_SZ_1, XATTR_CAPS_SZ_2, XATTR_CAPS_SZ_3 };
    guint32 magic, revision;

    if (length < sizeof magic)
        return FALSE;
    magic = little_endian(value);
    revision = (magic & VFS_CAP_REVISION_MASK) >> VFS_CAP_REVISION_SHIFT;
    if (revision < 1 || revision > 3 || length != sizes[revision])
        return FALSE;
    *effective = (magic & VFS_CAP_FLAGS_EFFECTIVE) != 0;
    *permitted = little_endian(value + 4);
    *inheritable = little_endian(value + 8);
    if (revision >= 2) {
        *permitted |= (guint64)little_endian(value + 12) << 32;
        *inheritable |= (guint64)little_endian(value + 16) << 32;
    }
    return TRUE;
}

char *privileged_capability_text(guint64 permitted, guint64 inheritable, gboolean effective)
{
    static const char *const names[] = {
        "chown",
        "dac_override",
        "dac_read_search",
        "fowner",
        "fsetid",
        "kill",
        "setgid",
        "setuid",
        "setpcap",
        "linux_immutable",
        "net_bind_service",
        "net_broadcast",
        "net_admin",
        "net_raw",
        "ipc_lock",
        "ipc_owner",
        "sys_module",
        "sys_rawio",
        "sys_chroot",
        "sys_ptrace",
        "sys_pacct",
        "sys_admin",
        "sys_boot",
        "sys_nice",
        "sys_resource",
        "sys_time",
        "sys_tty_config",
        "mknod",
        "lease",
        "audit_write",
        "audit_control",
        "setfcap",
        "mac_override",
        "mac_admin",
        "syslog",
        "wake_alarm",
        "block_suspend",
        "audit_read",
        "perfmon",
        "bpf",
        "checkpoint_restore",
    };
    GString *text = g_string_new(NULL);

    for (guint bit = 0; bit < 64; bit++) {
        if (!((permitted | inheritable) >> bit & 1))
            continue;
        if (text->len)
            g_string_append_c(text, ',');
        if (bit < G_N_ELEMENTS(names))
            g_string_append_printf(text, "cap_%s", names[bit]);
        else
            g_string_append_printf(text, "cap_%u", bit);
    }
    g_string_append_printf(text, "=%s%s%s", effective ? "e" : "", permitted ? "p" : "",
                           inheritable ? "i" : "");
    return g_string_free(text, FALSE);
}
