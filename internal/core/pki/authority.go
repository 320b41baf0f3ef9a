// Package pki is the installation's own certificate authority: made at the first start, it signs the certificates of the
// control nodes and of the hosts, and renews those of this process before they expire, while it runs.
//
// A certificate says what its holder is: the organizational unit is the role and the common name the id. The bus gives
// rights by it.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// The files of an authority's folder. The CA's certificate is public, and is what clients trust.
const (
	CAFile     = "ca.pem"
	caKey      = "ca-key.pem"
	serverCert = "server.pem"
	serverKey  = "server-key.pem"
)

// How long certificates are good for. They are renewed when a third is left, the CA's with the same key, so that what
// it has signed stays good.
const (
	caLife     = 10 * 365 * 24 * time.Hour
	serverLife = 90 * 24 * time.Hour
	hostLife   = 365 * 24 * time.Hour
	// skew is how far behind a client's clock may be.
	skew = time.Hour
)

// Authority signs. It is safe for concurrent use.
type Authority struct {
	dir    string
	key    crypto.Signer
	cert   *x509.Certificate
	roots  *x509.CertPool
	server *renewing
}

// Ensure opens the authority in a folder, or makes it, and a certificate for this machine as a server under its host
// name, localhost, and the addresses given ("10.0.0.1", "cloud.example.org", or either with a port).
func Ensure(dir string, addresses ...string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the certificates: %w", err)
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	a := &Authority{dir: dir, roots: x509.NewCertPool()}
	if err := a.open(); err != nil {
		return nil, err
	}
	a.roots.AddCert(a.cert)
	template, err := serverTemplate(addresses)
	if err != nil {
		return nil, err
	}
	a.server = &renewing{issue: func() (*tls.Certificate, error) { return a.issueServer(template) }}
	if err := a.server.adopt(a.loadServer(template)); err != nil {
		return nil, err
	}
	return a, nil
}

// CAPEM is the CA's certificate as clients need it, for their ca.pem.
func (a *Authority) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Fingerprint is the SHA-256 of the CA's public key in hex. It stays when the CA's certificate is renewed.
func (a *Authority) Fingerprint() string { return Fingerprint(a.cert) }

// Fingerprint is the SHA-256 of a certificate's public key (its SubjectPublicKeyInfo) in hex.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// ServerFiles are the paths of this control node's certificate, its key and the CA's certificate, for engines that
// listen. The files are replaced when the certificate is renewed.
func (a *Authority) ServerFiles() (cert, key, ca string) {
	return filepath.Join(a.dir, serverCert), filepath.Join(a.dir, serverKey), filepath.Join(a.dir, CAFile)
}

// open loads the CA, or makes what is missing of it.
func (a *Authority) open() error {
	keyPath, certPath := filepath.Join(a.dir, caKey), filepath.Join(a.dir, CAFile)
	key, err := readKey(keyPath)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(certPath); err == nil {
			return fault.New(fault.Unavailable, "%s is there, but its key %s is not: put the key back from a backup, or remove "+
				"the folder to begin with a new authority, which every client and host must then be told", certPath, keyPath)
		}
		key, err = newKey(keyPath)
	}
	if err != nil {
		return err
	}
	a.key = key
	cert, err := readCert(certPath)
	switch {
	case err == nil && !samePublic(cert.PublicKey, key.Public()):
		return fault.New(fault.Unavailable, "%s is not the certificate of the key %s: put both back from one backup", certPath, keyPath)
	case err == nil && !due(cert):
		a.cert = cert
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return a.signSelf(certPath)
}

func (a *Authority) signSelf(path string) error {
	now := time.Now()
	template := &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"Aloft"}, CommonName: "Aloft CA"},
		NotBefore: now.Add(-skew), NotAfter: now.Add(caLife),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:     true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("signing the CA's certificate: %w", err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("reading the CA's new certificate: %w", err)
	}
	return writePEM(path, "CERTIFICATE", der, 0o644)
}

// sign makes a key and a certificate for it from a template.
func (a *Authority) sign(template x509.Certificate, life time.Duration) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	der, err := a.certify(template, life, key.Public())
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading a new certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// certify signs a certificate for somebody's key.
func (a *Authority) certify(template x509.Certificate, life time.Duration, key crypto.PublicKey) ([]byte, error) {
	now := time.Now()
	template.NotBefore, template.NotAfter = now.Add(-skew), now.Add(life)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, &template, a.cert, key, a.key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	return der, nil
}

func serverTemplate(addresses []string) (x509.Certificate, error) {
	name, err := os.Hostname()
	if err != nil {
		return x509.Certificate{}, fmt.Errorf("asking for the host name: %w", err)
	}
	t := x509.Certificate{
		Subject:     subject(RoleControl, name),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, address := range append([]string{"localhost", "127.0.0.1", "::1", name}, addresses...) {
		if host, _, err := net.SplitHostPort(address); err == nil {
			address = host
		}
		switch ip := net.ParseIP(address); {
		case address == "" || ip.IsUnspecified(): // "every address" is none that a client can ask for
		case ip != nil:
			t.IPAddresses = append(t.IPAddresses, ip)
		case !slices.Contains(t.DNSNames, address):
			t.DNSNames = append(t.DNSNames, address)
		}
	}
	return t, nil
}

func (a *Authority) issueServer(template x509.Certificate) (*tls.Certificate, error) {
	cert, err := a.sign(template, serverLife)
	if err != nil {
		return nil, err
	}
	return cert, writePair(filepath.Join(a.dir, serverCert), filepath.Join(a.dir, serverKey), cert)
}

// loadServer is the stored certificate, or nil if a new one is needed: there is none, it is damaged or of another CA,
// or it lacks an address.
func (a *Authority) loadServer(template x509.Certificate) *tls.Certificate {
	cert, err := tls.LoadX509KeyPair(filepath.Join(a.dir, serverCert), filepath.Join(a.dir, serverKey))
	if err != nil || cert.Leaf.CheckSignatureFrom(a.cert) != nil {
		return nil
	}
	for _, ip := range template.IPAddresses {
		if cert.Leaf.VerifyHostname(ip.String()) != nil {
			return nil
		}
	}
	for _, name := range template.DNSNames {
		if !slices.Contains(cert.Leaf.DNSNames, name) {
			return nil
		}
	}
	return &cert
}
