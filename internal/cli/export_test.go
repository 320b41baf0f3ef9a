package cli

import "context"

// SSHLine is what `server ssh` gives to ssh.
func SSHLine(ctx context.Context, cloud, server string) ([]string, error) {
	s, err := connect(ctx, &options{cloud: cloud})
	if err != nil {
		return nil, err
	}
	return s.sshLine(ctx, server, "", "")
}

// BenchTable is how `bench servers` prints its figures.
var BenchTable = benchTable
