// Package tiny builds aloft-tiny, the bootable disk image that Aloft's first tour and its tests run: a small Linux that
// behaves towards a cloud as a big one does.
//
// # What the guest does
//
// It boots from a virtio disk by BIOS on q35 and pc, logs to the serial port, asks DHCP for address, MTU, classless
// routes (option 121) and DNS on every network interface, now and when one is plugged in later, a VLAN of a trunk
// included. IPv6 addresses are made of what routers announce, or asked for by DHCPv6 where they say so. It asks the metadata
// service at 169.254.169.254 who it is: OpenStack's documents, and EC2's where those are absent. From them it takes its
// host name, the ssh keys of root and of the user aloft, and user data, which runs when it is a script (#!, gzipped or
// not). Keys and user data are applied once per instance, the instance being remembered on the disk: a reboot repeats
// nothing, and a disk that was copied to another server starts anew, with new host keys. Without metadata the ssh
// server starts after ten seconds all the same and lets nobody in.
//
// The root file system lasts, and grows with its partition to the end of the disk at every boot. The ACPI power button,
// poweroff, reboot and halt end it cleanly. qemu-guest-agent runs where its port is. Passwords open nothing, neither ssh
// nor the console, which shows the ssh host keys in the form that cloud-init prints.
//
// # Layout of the disk
//
//	sector 0        boot code of syslinux; DOS partition table with signature a10f7001
//	1 MiB   27 MiB  FAT16: syslinux, its configuration, the kernel, the initramfs
//	28 MiB  64 MiB  ext4 "aloft-root", grows to the end of the disk
//
// The initramfs holds the init program (package guest) and nineteen kernel modules, and nothing else of the kernel's
// modules is in the image. The init program loads the modules that the disk needs, finds the disk by its signature,
// moves the root onto it and goes on as process 1: no second program is started, no udev, no shell. It starts the rest:
// BusyBox (userland and DHCP client), dropbear (ssh server), the sftp server of OpenSSH and qemu-guest-agent, all
// Debian's, with only the libraries they name. The files of our own are in rootfs, as they lie in the image.
//
// # Choices, and what they cost
//
//   - The kernel is that of Debian's linux-image-cloud-amd64, unchanged: ext4 and the serial port are built in, virtio is
//     modules. It is 14.2 MB, LZ4, and half of the image. Debian 12's 6.1 starts twice as fast as 6.12 under emulation.
//   - The initramfs is not compressed: unpacking gzip in the emulated machine takes 0.1 s longer than reading 7 MB, and
//     the image is compressed anyway (zlib; zstd leaves an LZ4 kernel 10 % bigger).
//   - Init is written in Go with nothing but the standard library, so that the sources embedded in the aloft binary
//     compile anywhere without a module cache. It loads the first module 0.2 s after the kernel starts it.
//   - dropbear rather than OpenSSH (whose libcrypto alone is bigger than all of dropbear's libraries) or a server of our own. It makes an Ed25519
//     and an ECDSA key at the first boot (70 ms each, while DHCP is waiting). Debian's dropbear offers RSA also without
//     having such a key and then dies of a client that accepts; clients in Go prefer ECDSA to RSA, hence the second key.
//   - The kernel's command line is not tuned. Without mitigations, ASLR, zeroed memory and console messages the boot was
//     within 0.3 s of the boot with them, which is what one boot differs from the next.
//   - The journal is 16 MiB because one step of ext4's online growth is one transaction that writes to all the room
//     reserved for growth, up to 2 TiB; with mke2fs's own 4 MiB growing fails.
//   - The root file system is written by debugfs, file by file, in a fixed order and with a fixed time, and the FAT by
//     mtools: no root, no loop device, no mount, and the same input gives the same bytes.
//
// # Measured
//
// On two cores of 2.6 GHz, QEMU 7.2, -accel tcg -cpu max, one CPU, 256 MiB, an overlay of 1 GiB, first boot; seconds
// since QEMU started, in a quiet moment: kernel 1.5, init 3.2, root mounted 3.5, address 4.0, ssh answers 4.3
// (later boots 4.2; with 128 MiB 5; BenchmarkFirstAnswer repeats it). Init to ssh is 1.1 s of that. The machine uses 22 MiB of
// memory when it is up and boots with 96 MiB. The image is 20.1 MB; its limit is 22 MB. A build takes 2 s,
// 5 s more when it has to download, 20 s more when Go has not compiled its library with -trimpath before, and 0.1 s when
// nothing has changed.
//
// # What the host needs
//
// APT with its lists (apt-get update), dpkg, e2fsprogs, qemu-utils and Go. The packages that the image is made of or
// with, among them syslinux and mtools, are downloaded and unpacked in the work directory and never installed. Once they
// are there, nothing is fetched any more.
package tiny
