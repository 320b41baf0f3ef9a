// Package agent makes a host run what the control plane wants of it, and tells the control plane what the host runs.
//
// The agent is stateless. What is wanted comes from the control plane, whole, at every Sync; what there is, it reads from
// the hypervisor and the disk pool, whose domains carry generation and boot. So it may be killed at any moment: the next
// one looks at the same world and goes on. What it keeps in memory are the wants it has heard, what it saw last, and the
// clocks of deadlines and back-offs.
//
// For each server a plan is made (plan.go, a pure function of want and domain) and its steps are run in order, a file
// each. Every step finds for itself whether there is anything to do. What makes that safe over a kill:
//
//   - The domain's Boot is written with its definition, before each start, and its Generation after all is done. A kill
//     between finds the domain stopped with a lower generation, and starts it; or running with the new boot, and doesn't
//     reboot it again.
//   - A domain that stopped by the guest's or someone's will is marked Halted, as the hypervisor may forget why it
//     stopped. It runs again only for a higher generation. A domain that was lost - with its host, its process - is
//     started again, with back-off.
//   - Removal destroys the domain, then the disks, and forgets the domain last: what is half removed can be found.
package agent
