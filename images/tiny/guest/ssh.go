package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hostKeyDir is where dropbear looks for its keys.
const hostKeyDir = "/etc/dropbear"

// hostKeyTypes are the keys made at the first boot, in the order in which they are shown. Clients ask for Ed25519 first,
// but those written in Go for ECDSA. Dropbear offers RSA too, whether it has such a key or not, and dies of a client
// that takes the offer; -R makes it make that key then, which takes seconds but hardly ever happens.
func hostKeyTypes() []string { return []string{"ed25519", "ecdsa"} }

func hostKeyFile(kind string) string   { return hostKeyDir + "/dropbear_" + kind + "_host_key" }
func publicKeyFile(kind string) string { return hostKeyFile(kind) + ".pub" }

// ensureHostKeys makes the machine's keys at its first boot.
func (m *machine) ensureHostKeys() error {
	for _, kind := range hostKeyTypes() {
		if exists(publicKeyFile(kind)) { // the last thing that is written
			continue
		}
		if err := m.makeHostKey(kind); err != nil {
			return err
		}
	}
	return nil
}

// renewHostKeys makes keys in place of those that are there.
func (m *machine) renewHostKeys() error {
	old, err := filepath.Glob(hostKeyDir + "/dropbear_*")
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return m.ensureHostKeys()
}

func (m *machine) makeHostKey(kind string) error {
	if err := os.Remove(hostKeyFile(kind)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	printed, err := m.processes.output("/usr/bin/dropbearkey", "-t", kind, "-f", hostKeyFile(kind))
	if err != nil {
		return err
	}
	key, err := publicKeyIn(printed)
	if err != nil {
		return err
	}
	return instanceStore{root: "/"}.write(publicKeyFile(kind), 0o644, key+"\n")
}

// publicKeyIn finds the public key in what dropbearkey prints, without the comment that follows it.
func publicKeyIn(printed string) (string, error) {
	for line := range strings.Lines(printed) {
		if fields := strings.Fields(line); len(fields) >= 2 && (strings.HasPrefix(fields[0], "ssh-") || strings.HasPrefix(fields[0], "ecdsa-")) {
			return fields[0] + " " + fields[1], nil
		}
	}
	return "", errors.New("dropbearkey printed no public key")
}

// fingerprint is the key's SHA256 fingerprint as OpenSSH prints it.
func fingerprint(key string) (string, error) {
	fields := strings.Fields(key)
	if len(fields) < 2 {
		return "", errors.New("not a public key")
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return "", fmt.Errorf("not a public key: %w", err)
	}
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), nil
}

// startSSH starts the server and prints its keys in the form in which cloud-init prints them, which is what programs
// that read a server's keys from its console look for. Nobody can log in by a password: -s refuses them. stop ends it;
// who is logged in stays so.
func (m *machine) startSSH(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.processes.keep(ctx, m.log, "ssh", command{argv: []string{"/usr/sbin/dropbear", "-F", "-E", "-s", "-R"}})
	}()
	name, err := os.Hostname()
	if err != nil {
		name = "aloft-tiny"
	}
	var keys, prints []string
	for _, kind := range hostKeyTypes() {
		key, err := os.ReadFile(publicKeyFile(kind))
		if err != nil {
			m.log.say("ssh", "host key: %v", err)
			continue
		}
		print, err := fingerprint(string(key))
		if err != nil {
			m.log.say("ssh", "host key %s: %v", kind, err)
			continue
		}
		keys = append(keys, strings.TrimSpace(string(key))+" root@"+name)
		prints = append(prints, "256 "+print+" root@"+name+" ("+strings.ToUpper(kind)+")")
	}
	m.log.say("ssh", "started")
	m.log.raw(slices.Concat(
		[]string{"-----BEGIN SSH HOST KEY FINGERPRINTS-----"}, prints, []string{"-----END SSH HOST KEY FINGERPRINTS-----"},
		[]string{"-----BEGIN SSH HOST KEY KEYS-----"}, keys, []string{"-----END SSH HOST KEY KEYS-----"},
	)...)
	return func() {
		cancel()
		<-ended
	}
}
