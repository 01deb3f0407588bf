#!/usr/bin/env bash
# Makes the Debian disk of `cargo xtask boot` in folder $1: disk.raw (ext4 without partitions),
# vmlinuz and initrd.img. The system on it checks its own files when it has started, prints
# STRONGROOM-BOOT-OK on the console and powers off. Must run as root: debootstrap does.
set -euo pipefail

out="$1"
suite=bookworm
root="$out/root"
rm -rf --one-file-system "$root"
mkdir -p "$out"

# The mirror that this machine's own apt uses; debootstrap's default when apt does not tell.
mirror="$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
    awk -v suite="$suite" '$1 == suite && $2 == "main" { print $3; exit }')"
debootstrap --variant=minbase \
    --include=systemd-sysv,initramfs-tools,linux-image-cloud-amd64 \
    "$suite" "$root" ${mirror:+"$mirror"}
rm -f "$root"/var/cache/apt/archives/*.deb

echo 'LABEL=strongroom / ext4 errors=remount-ro 0 1' > "$root/etc/fstab"
echo strongroom-boot > "$root/etc/hostname"
cat > "$root/usr/local/sbin/strongroom-proof" <<'PROOF'
#!/bin/sh
# Compares the programs and libraries with what was there when the disk was made.
cd / || exit 1
if sha256sum --quiet --check /etc/strongroom-proof.sha256 > /dev/console 2>&1; then
    echo STRONGROOM-BOOT-OK > /dev/console
else
    echo STRONGROOM-BOOT-DAMAGED > /dev/console
fi
systemctl --no-block poweroff
PROOF
chmod 755 "$root/usr/local/sbin/strongroom-proof"
cat > "$root/etc/systemd/system/strongroom-proof.service" <<'UNIT'
[Unit]
Description=Proof that the restored disk boots
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/strongroom-proof

[Install]
WantedBy=default.target
UNIT
chroot "$root" systemctl enable strongroom-proof.service
(cd "$root" && find usr/bin usr/sbin usr/lib/x86_64-linux-gnu -type f -print0 | sort -z |
    xargs -0 sha256sum > etc/strongroom-proof.sha256)

cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
cp "$root"/boot/initrd.img-* "$out/initrd.img"
rm -f "$out/disk.raw"
mke2fs -q -t ext4 -L strongroom -d "$root" "$out/disk.raw" 2G
rm -rf --one-file-system "$root"
chmod -R a+rX "$out"
touch "$out/complete"
