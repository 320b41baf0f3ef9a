// Package join makes this machine a host of a control plane on another one, and keeps what it got in a folder of its
// own: its certificate, and where the control plane is. From then on it needs no token.
//
// Nothing is sent before the other end has shown the CA whose fingerprint is in the token, so nobody in between hears the
// token. The key is made here and never leaves. Joining may be interrupted at any point and repeated: the same key asks
// again.
package join

import (
	"bytes"
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/file"
	"github.com/aloft-cloud/aloft/internal/core/pki"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Host is what is known of this machine's place in an installation.
type Host struct {
	Bus        []string `json:"bus"`        // URLs
	Southbound []string `json:"southbound"` // OVN's southbound database
	Address    string   `json:"address"`    // of this machine, by which it reached the control node
}

const (
	placeFile = "membership.json"
	patience  = 30 * time.Second
	maxAnswer = 256 << 10 // bytes
)

// Dir is the folder in a data folder.
func Dir(dataDir string) string { return filepath.Join(dataDir, "host") }

// Load reads what Join has kept; joined is false if this machine has not joined.
func Load(dir string) (h Host, joined bool, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, placeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Host{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	if err != nil {
		return Host{}, false, fmt.Errorf("reading this host's membership: %w", err)
	}
	return h, true, nil
}

// Join joins the control plane at a URL by a token, and keeps what it got in dir.
func Join(ctx context.Context, dir, hostID, server string, token protocol.JoinToken) (Host, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return Host{}, fmt.Errorf("the control node must be given as https://address:port, but is %q", server)
	}
	server = "https://" + u.Host
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	roots, err := trusted(ctx, server, token.Fingerprint)
	if err != nil {
		return Host{}, err
	}
	request, err := pki.HostRequest(dir, hostID)
	if err != nil {
		return Host{}, err
	}
	m, address, err := ask(ctx, server, roots, protocol.Join{Token: token.String(), HostID: hostID, Version: protocol.Version, Request: string(request)})
	if err != nil {
		return Host{}, err
	}
	return keep(dir, m, address)
}

// Renew asks for membership again, and keeps the answer. The address stays.
func Renew(ctx context.Context, dir, hostID string, ask func(context.Context, protocol.Renew) (protocol.Membership, error)) (Host, error) {
	h, joined, err := Load(dir)
	if err != nil || !joined {
		return h, errors.Join(err, errors.New("this machine has not joined"))
	}
	request, err := pki.HostRequest(dir, hostID)
	if err != nil {
		return h, err
	}
	m, err := ask(ctx, protocol.Renew{Request: string(request)})
	if err != nil {
		return h, err
	}
	return keep(dir, m, h.Address)
}

// keep writes the certificate first: a machine has joined when the last file is there.
func keep(dir string, m protocol.Membership, address string) (Host, error) {
	if len(m.Bus) == 0 || len(m.Southbound) == 0 {
		return Host{}, errors.New("the control node's answer lacks the addresses of the bus or of OVN's database")
	}
	if err := pki.KeepHost(dir, []byte(m.CA), []byte(m.Certificate)); err != nil {
		return Host{}, err
	}
	h := Host{Bus: m.Bus, Southbound: m.Southbound, Address: address}
	if err := file.ReplaceJSON(filepath.Join(dir, placeFile), h); err != nil {
		return h, fmt.Errorf("writing this host's membership: %w", err)
	}
	return h, nil
}

// trusted fetches the CA's certificate and makes sure that it is the one that the token means. The connection itself
// proves nothing, which is why nothing but that certificate is taken from it.
func trusted(ctx context.Context, server, fingerprint string) (*x509.CertPool, error) {
	raw, _, err := send(ctx, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, http.MethodGet, server+protocol.CAPath, nil)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s%s is no certificate: is it a control node of Aloft?", server, protocol.CAPath)
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the CA's certificate: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(pki.Fingerprint(ca)), []byte(fingerprint)) != 1 {
		return nil, fmt.Errorf("%s belongs to another installation than the join token, or somebody is in between: its CA has the fingerprint %s", server, pki.Fingerprint(ca))
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return roots, nil
}

// ask joins, and tells by which address of this machine.
func ask(ctx context.Context, server string, roots *x509.CertPool, j protocol.Join) (m protocol.Membership, address string, err error) {
	body, err := json.Marshal(j)
	if err != nil {
		return m, "", fmt.Errorf("asking for membership: %w", err)
	}
	raw, local, err := send(ctx, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, http.MethodPost, server+protocol.JoinPath, body)
	if err != nil {
		return m, "", err
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, "", fmt.Errorf("reading the control node's answer: %w", err)
	}
	host, _, err := net.SplitHostPort(local)
	if err != nil {
		return m, "", fmt.Errorf("finding this machine's address: %w", err)
	}
	return m, host, nil
}

// send does one request over a connection of its own; local is this end's address.
func send(ctx context.Context, config *tls.Config, method, url string, body []byte) (answer []byte, local string, err error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { local = c.Conn.LocalAddr().String() }})
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, "", fmt.Errorf("asking the control node: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, "", fmt.Errorf("asking the control node: %w", err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, "", fmt.Errorf("reading the control node's answer: %w", err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, "", refusal(url, resp.Status, answer)
	}
	return answer, local, nil
}

// refusal is what a control node says that does not let this machine in.
func refusal(url, status string, answer []byte) error {
	var problem struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(answer, &problem) == nil && problem.Detail != "" {
		return fmt.Errorf("the control node refuses: %s", problem.Detail)
	}
	return fmt.Errorf("%s answered %s", url, status)
}
