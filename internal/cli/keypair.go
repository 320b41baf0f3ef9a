package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/spf13/cobra"
)

func keypairCommand(o *options) *cobra.Command {
	return noun(o, "keypair", "Key pairs: who may log in to servers", keypairList(o), keypairCreate(o), keypairDelete(o))
}

func keypairColumns() []column[keypairs.KeyPair] {
	return []column[keypairs.KeyPair]{
		{"name", func(k keypairs.KeyPair) any { return k.Name }},
		{"type", func(k keypairs.KeyPair) any { return k.Type }},
		{"fingerprint", func(k keypairs.KeyPair) any { return k.Fingerprint }},
	}
}

func keypairList(o *options) *cobra.Command {
	return verb(o, "list", "List key pairs", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		items, err := pages(ctx, keypairs.List(c, nil), keypairs.ExtractKeyPairs)
		if err != nil {
			return err
		}
		return list(s, items, keypairColumns())
	})
}

func keypairCreate(o *options) *cobra.Command {
	var public, private string
	c := verb(o, "create NAME", "Register a public key, or make a new pair", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		opts := keypairs.CreateOpts{Name: args[0]}
		if public != "" {
			raw, err := os.ReadFile(public)
			if err != nil {
				return fmt.Errorf("reading the public key: %w", err)
			}
			opts.PublicKey = string(raw)
			made, err := keypairs.Create(ctx, c, opts).Extract()
			if err != nil {
				return err
			}
			return show(s, *made, keypairColumns())
		}
		// The file is made first: the cloud shows the private key only once.
		file, err := os.OpenFile(private, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("making the file of the private key: %w", err)
		}
		made, err := keypairs.Create(ctx, c, opts).Extract()
		if err != nil {
			file.Close()
			return firstError(err, os.Remove(private))
		}
		_, err = file.WriteString(made.PrivateKey)
		if err := firstError(err, file.Close(), os.WriteFile(private+".pub", []byte(made.PublicKey+"\n"), 0o644)); err != nil {
			return fmt.Errorf("writing the private key: %w", err)
		}
		return show(s, *made, keypairColumns())
	})
	c.Flags().StringVar(&public, "public-key", "", "the file of the public key to register, e.g. ~/.ssh/id_ed25519.pub")
	c.Flags().StringVar(&private, "private-key", "", "the file to write a new private key to")
	c.MarkFlagsOneRequired("public-key", "private-key")
	c.MarkFlagsMutuallyExclusive("public-key", "private-key")
	return c
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func keypairDelete(o *options) *cobra.Command {
	return verb(o, "delete NAME...", "Delete key pairs", cobra.MinimumNArgs(1), func(ctx context.Context, s *session, args []string) error {
		c, err := s.compute()
		if err != nil {
			return err
		}
		return each(args, func(name string) error { return keypairs.Delete(ctx, c, name, nil).ExtractErr() })
	})
}
