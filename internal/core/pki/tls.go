package pki

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Role is what the holder of a certificate is.
type Role string

// The closed set of roles.
const (
	RoleControl Role = "control" // a control node: everything
	RoleHost    Role = "host"    // a host: its own subjects
	// RoleLaboratory is who plays hosts: the subjects of all, where the control node allows it.
	RoleLaboratory Role = "laboratory"
)

// hostID is what may be a host's id: it becomes a part of the bus's subjects.
var hostID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func subject(role Role, id string) pkix.Name {
	return pkix.Name{Organization: []string{"Aloft"}, OrganizationalUnit: []string{string(role)}, CommonName: id}
}

// Peer tells what the other end of a connection is. The connection must have verified its certificate.
func Peer(state *tls.ConnectionState) (Role, string, error) {
	if state == nil || len(state.VerifiedChains) == 0 {
		return "", "", errors.New("the other end has shown no certificate of this installation")
	}
	return Holder(state.VerifiedChains[0][0])
}

// Holder tells what the holder of a certificate is.
func Holder(c *x509.Certificate) (Role, string, error) {
	if len(c.Subject.OrganizationalUnit) != 1 {
		return "", "", fmt.Errorf("the certificate of %q names no role", c.Subject.CommonName)
	}
	role, id := Role(c.Subject.OrganizationalUnit[0]), c.Subject.CommonName
	if role != RoleControl && (role != RoleHost && role != RoleLaboratory || !hostID.MatchString(id)) {
		return "", "", fmt.Errorf("the certificate of %q is of no known role: %q", id, role)
	}
	return role, id, nil
}

// ServerTLS is for listeners of this control node. It asks clients for no certificate, but knows whose to trust where
// the listener asks. It serves as a client's too, for connections to other control nodes.
func (a *Authority) ServerTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.server.get()
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return a.server.get()
		},
		ClientCAs: a.roots,
		RootCAs:   a.roots,
	}
}

// HostTLS is for a host's connections to control nodes, where host and authority are in one process.
func (a *Authority) HostTLS(id string) (*tls.Config, error) { return a.clientTLS(RoleHost, id) }

// LaboratoryTLS is for the connections of who plays hosts.
func (a *Authority) LaboratoryTLS(id string) (*tls.Config, error) {
	return a.clientTLS(RoleLaboratory, id)
}

func (a *Authority) clientTLS(role Role, id string) (*tls.Config, error) {
	r := &renewing{issue: func() (*tls.Certificate, error) { return a.signClient(role, id) }}
	if err := r.adopt(nil); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:           tls.VersionTLS13,
		RootCAs:              a.roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return r.get() },
	}, nil
}

func (a *Authority) signClient(role Role, id string) (*tls.Certificate, error) {
	if !hostID.MatchString(id) {
		return nil, fault.Invalidf("host", "a host's id must be 1 to 64 letters, digits, - or _, but is %q", id)
	}
	return a.sign(clientTemplate(role, id), hostLife)
}

func clientTemplate(role Role, id string) x509.Certificate {
	return x509.Certificate{Subject: subject(role, id), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
}

// ClientTLS is for clients that show no certificate and trust the CA in a file.
func ClientTLS(caFile string) (*tls.Config, error) {
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("reading the CA's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, nil
}
