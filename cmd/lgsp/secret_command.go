package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/gateway"
)

// runSecret shows the versions of the platform's secret, adds one, and takes
// one out of use. It prints nothing of a secret.
func runSecret(ctx context.Context, p program) error {
	const usage = "usage: lgsp secret list | rotate | drop VERSION [--force]"
	force := slices.Contains(p.Args, "--force")
	args := slices.DeleteFunc(slices.Clone(p.Args), func(arg string) bool { return arg == "--force" })
	if len(args) == 0 || force && args[0] != "drop" {
		return errors.New(usage)
	}
	c, err := readConfig(p.Environ, false)
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.SecretFile); err != nil { // none is made here
		return fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	return withDatabase(ctx, c, func(db *database) error {
		platform, err := wire(ctx, c, db)
		if err != nil {
			return err
		}
		command := &secretCommand{platform, p}
		switch {
		case args[0] == "list" && len(args) == 1:
			return command.list(ctx)
		case args[0] == "rotate" && len(args) == 1:
			return command.rotate(ctx)
		case args[0] == "drop" && len(args) == 2:
			version, err := strconv.Atoi(args[1])
			if err != nil {
				return errors.New(usage)
			}
			return command.drop(ctx, version, force)
		default:
			return errors.New(usage)
		}
	})
}

// secretCommand is lgsp secret at work.
type secretCommand struct {
	*platform
	program
}

// list prints each version, since when it is used, and what depends on it.
func (s *secretCommand) list(ctx context.Context) error {
	used, err := s.auth.SecretVersions(ctx)
	if err != nil {
		return err
	}
	stored, err := s.stored(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VERSION\tSTATE\tIN USE SINCE\tSTILL NEEDED BY")
	for version := 1; version <= s.secrets.last(); version++ {
		since := "-"
		for _, one := range used {
			if one.Version == version {
				since = one.InUseSince.Format(time.RFC3339)
			}
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", version, s.state(version), since, s.needs(version, stored[version]))
	}
	return table.Flush()
}

// storedKinds are the kinds that stored counts, in order.
func storedKinds() []string { return append(auth.StoredKinds(), gateway.SealedClientKeys) }

// stored counts, by version and kind, what would not be without that version.
func (s *secretCommand) stored(ctx context.Context) (map[int]map[string]int, error) {
	counts, err := s.auth.StoredUnder(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := s.clientKeys().StoredUnder(ctx)
	if err != nil {
		return nil, err
	}
	for version, n := range keys {
		if counts[version] == nil {
			counts[version] = map[string]int{}
		}
		counts[version][gateway.SealedClientKeys] = n
	}
	return counts, nil
}

// state says in a word what becomes of a version.
func (s *secretCommand) state(version int) string {
	switch inUse := int(s.secrets.inUse.Load()); {
	case !s.secrets.has(version):
		return "dropped"
	case version == inUse:
		return "makes what is new"
	case version > inUse:
		return "waits for lgsp serve to start"
	}
	return "accepted"
}

// needs says what is stored under a version, and what the first one keeps.
func (s *secretCommand) needs(version int, stored map[string]int) string {
	text := amounts(stored)
	if version == 1 {
		text = strings.TrimPrefix(text+", the ledger's key, subject hashes", ", ")
	}
	if text == "" {
		return "nothing"
	}
	return text
}

// amounts are counts by kind as people read them, "" for none.
func amounts(stored map[string]int) string {
	var parts []string
	for _, kind := range storedKinds() {
		if n := stored[kind]; n > 0 {
			parts = append(parts, amount(n, kind))
		}
	}
	return strings.Join(parts, ", ")
}

// amount is a count of a kind: 2 API keys.
func amount(n int, kind string) string {
	name := strings.Replace(strings.ReplaceAll(kind, "_", " "), "api", "API", 1)
	if n != 1 {
		name += "s"
	}
	return fmt.Sprintf("%d %s", n, name)
}

// rotate adds a version to the file.
func (s *secretCommand) rotate(ctx context.Context) error {
	if s.secrets.last() > int(s.secrets.inUse.Load()) {
		return fmt.Errorf("version %d was added before and is not in use yet: copy %s to every node, restart the gateway nodes, then lgsp serve",
			s.secrets.last(), s.config.SecretFile)
	}
	if s.secrets.last() == maxSecrets {
		return fmt.Errorf("the file holds %d versions and takes no more", maxSecrets)
	}
	s.secrets.add()
	if err := s.secrets.write(s.config.SecretFile); err != nil {
		return err
	}
	version := s.secrets.last()
	if err := s.record(ctx, "secret.rotate", map[string]any{"version": version}); err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, `%[1]s now holds version %[2]d of the secret as well. Nothing uses it yet. In this order:

1. Copy %[1]s to every node, mode 0600, and into your backup.
2. Restart each lgsp gateway node. It accepts every version, and goes on making what is new by the old one.
3. Restart lgsp serve. It begins to use version %[2]d, seals anew what is sealed, and tells the nodes.
4. lgsp secret list tells what still needs the old versions. API keys, secrets and tokens leave them when they are used next.
5. When nothing needs a version any more: lgsp secret drop VERSION, and steps 1 to 3 again.
`, s.config.SecretFile, version)
	return nil
}

// drop takes a version out of use, unless something needs it that force does
// not give up.
func (s *secretCommand) drop(ctx context.Context, version int, force bool) error {
	inUse := int(s.secrets.inUse.Load())
	switch {
	case version < 1 || version > s.secrets.last():
		return fmt.Errorf("%s holds no version %d", s.config.SecretFile, version)
	case !s.secrets.has(version):
		return fmt.Errorf("version %d was dropped before", version)
	case version >= inUse:
		return fmt.Errorf("version %d is in use, or will be: add the next one with lgsp secret rotate, and start lgsp serve with it", version)
	}
	stored, err := s.stored(ctx)
	if err != nil {
		return err
	}
	needed := stored[version]
	switch {
	case needed[auth.SealedKeys] > 0: // nothing would start any more
		return fmt.Errorf("version %d seals %s, which lgsp serve seals anew at its start: start it first", version, amount(needed[auth.SealedKeys], auth.SealedKeys))
	case len(needed) > 0 && !force:
		return fmt.Errorf("version %d is still needed by: %s. Wait until they are used next, or replace them; --force gives them up", version, amounts(needed))
	}
	s.secrets.drop(version)
	if err := s.secrets.write(s.config.SecretFile); err != nil {
		return err
	}
	if err := s.record(ctx, "secret.drop", map[string]any{"version": version, "lost": needed}); err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "Version %d is dropped. Copy %s to every node and restart each, lgsp serve last.\n", version, s.config.SecretFile)
	if version == 1 {
		fmt.Fprintln(s.Stdout, "The file keeps it for the ledger's key and for subject hashes alone, which do not change (docs/operators.md).")
	}
	for _, kind := range storedKinds() {
		if n := needed[kind]; n > 0 {
			fmt.Fprintf(s.Stdout, "Lost: %s: %s\n", amount(n, kind), lostWith[kind])
		}
	}
	return nil
}

// lostWith is what becomes of the people whose things a dropped version kept.
var lostWith = map[string]string{
	auth.APIKey:              "refused from the next start on; their owners make new ones.",
	auth.ClientSecret:        "refused from the next start on; their owners make new ones.",
	auth.TokenLeak:           "refused from the next start on; their persons make new ones.",
	auth.RegistrationLeak:    "nobody registers with them any more; their makers make new ones.",
	auth.ClientLeak:          "applications that registered themselves no longer manage themselves; their owners do.",
	"recovery_code":          "do not work any more; their persons make new ones at /account/security.",
	"honey_key":              "nobody is told of their use any more; end them and lay others.",
	auth.RefreshTexts:        "applications ask their people to sign in again.",
	gateway.SealedClientKeys: "cannot be opened, and their versions are not served; their agencies set them anew.",
	auth.SealedForeign:       "cannot be opened, and tokens of those issuers are not believed; an operator types the secrets again.",
	auth.SealedHooks:         "cannot be opened, and nothing is sent to those addresses; their owners remove them and add them anew.",
	auth.SealedApps:          "cannot be opened; their persons use a passkey, or lgsp user rescue lets them in.",
}

// record writes an act of the command line to the ledger.
func (s *secretCommand) record(ctx context.Context, verb string, detail map[string]any) error {
	return pgx.BeginFunc(ctx, s.db.Pool, func(tx pgx.Tx) error {
		return s.ledger.Record(ctx, tx, auth.Act{Who: auth.Platform("lgsp " + strings.ReplaceAll(verb, ".", " ")), Verb: verb, Detail: detail})
	})
}
