package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// joinToken is a token by which hosts join, as the API shows it.
type joinToken struct {
	ID        string `json:"id"`
	Token     string `json:"token,omitempty"`
	Uses      int    `json:"uses"`
	ExpiresAt string `json:"expires_at"`
	CreatedAt string `json:"created_at"`
}

func joinTokenCommand(o *options) *cobra.Command {
	var uses int
	var life time.Duration
	var file string
	c := verb(o, "join-token", "Make a token by which hosts join this control plane (administrators only)", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		own, err := s.own()
		if err != nil {
			return err
		}
		body := map[string]any{"join_token": map[string]any{"uses": uses, "life": int(life.Seconds())}}
		var out struct {
			Token joinToken `json:"join_token"`
		}
		if err := call(ctx, own, http.MethodPost, "join-tokens", body, &out); err != nil {
			return err
		}
		if file != "" {
			if err := os.WriteFile(file, []byte(out.Token.Token+"\n"), 0o600); err != nil {
				return fmt.Errorf("writing the token: %w", err)
			}
			out.Token.Token = ""
		}
		if s.format == "json" {
			return s.json(out.Token)
		}
		if file == "" {
			fmt.Fprintln(s.out, out.Token.Token)
		}
		s.say("good for %d host(s) until %s; on each: aloft agent --server %s --token-file FILE", out.Token.Uses, out.Token.ExpiresAt, strings.TrimSuffix(own.Endpoint, "/v1/"))
		return nil
	})
	c.Flags().IntVar(&uses, "uses", 1, "how many hosts may join by it")
	c.Flags().DurationVar(&life, "life", time.Hour, "how long it is good for, at most 168h")
	c.Flags().StringVar(&file, "file", "", "write it to a file that only you can read, in place of the standard output")
	c.PersistentFlags().StringVarP(&o.format, "output", "o", "table", "how to print: table or json")
	c.AddCommand(joinTokenList(o), joinTokenRevoke(o))
	return c
}

func joinTokenList(o *options) *cobra.Command {
	return verb(o, "list", "List the tokens by which hosts can still join, without their secrets", cobra.NoArgs, func(ctx context.Context, s *session, _ []string) error {
		own, err := s.own()
		if err != nil {
			return err
		}
		var out struct {
			Tokens []joinToken `json:"join_tokens"`
		}
		if err := call(ctx, own, http.MethodGet, "join-tokens", nil, &out); err != nil {
			return err
		}
		return list(s, out.Tokens, []column[joinToken]{
			{"id", func(t joinToken) any { return t.ID }},
			{"uses", func(t joinToken) any { return t.Uses }},
			{"expires_at", func(t joinToken) any { return t.ExpiresAt }},
		})
	})
}

func joinTokenRevoke(o *options) *cobra.Command {
	return verb(o, "revoke ID", "Make a token useless at once; hosts that have joined by it stay", cobra.ExactArgs(1), func(ctx context.Context, s *session, args []string) error {
		own, err := s.own()
		if err != nil {
			return err
		}
		return call(ctx, own, http.MethodDelete, "join-tokens/"+url.PathEscape(args[0]), nil, nil)
	})
}
