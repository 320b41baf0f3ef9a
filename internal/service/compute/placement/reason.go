package placement

// Reason is why hosts can't take a server, as the words that follow a number of hosts: of one and of many.
type Reason struct{ One, Many string }

// The reasons that name nothing. None is that of a host which can.
var (
	none         = Reason{}
	disabled     = Reason{"is disabled", "are disabled"}
	maintained   = Reason{"is in maintenance", "are in maintenance"}
	lost         = Reason{"is lost", "are lost"}
	otherZone    = Reason{"is in another zone", "are in another zone"}
	otherHost    = Reason{"is not the host that was asked for", "are not the host that was asked for"}
	failedIt     = Reason{"failed to build it", "failed to build it"}
	otherProject = Reason{"is kept for other projects", "are kept for other projects"}
	notSameHost  = Reason{"has none of the servers of the hint same_host", "have none of the servers of the hint same_host"}
	notDifferent = Reason{"has a server of the hint different_host", "have a server of the hint different_host"}
	noMember     = Reason{"has no member of the affinity group", "have no member of the affinity group"}
	hasMember    = Reason{"has members of the anti-affinity group", "have members of the anti-affinity group"}
	lackMemory   = Reason{"lacks memory", "lack memory"}
	lackVCPUs    = Reason{"lacks vCPUs", "lack vCPUs"}
	lackDisk     = Reason{"lacks disk", "lack disk"}
)

// when is a reason that applies or not.
func when(applies bool, why Reason) Reason {
	if applies {
		return why
	}
	return none
}
