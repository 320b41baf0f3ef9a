// Package probe finds out what a host can do, says what it means, and knows the cure: `aloft doctor`.
//
// Virtualisation is the one thing that cannot be looked up. A node /dev/kvm may be there, open, and run a guest in real
// mode, and yet hang every kernel: seen where the kernel offers KVM without the processor's own virtualisation
// (paravirtual, in a cloud's virtual machine). There QEMU ends at once with -cpu host ("failed to set MSR"), and with
// -cpu qemu64 both Debian's kernel and the guest of guest.asm hang from the first instruction in protected mode on. So the
// guest is booted, as servers are (-cpu host), with a deadline; what came of it is remembered until the host boots again.
package probe
