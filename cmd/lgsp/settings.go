package main

import (
	"net/url"
	"slices"
	"strings"

	"lgsp/portal"
)

// inForce are all settings there are, as they were read from environ and the
// file that it names: what each came to, and where that came from. Of a secret,
// which is one that has a NAME_FILE beside it, only whether it is set.
func (r *settingsReader) inForce(environ []string) []portal.Setting {
	inEnvironment := func(name string) bool {
		return slices.ContainsFunc(environ, func(pair string) bool { return strings.HasPrefix(pair, name+"=") })
	}
	var list []portal.Setting
	for _, name := range settings {
		if strings.HasSuffix(name, "_FILE") && slices.Contains(settings, strings.TrimSuffix(name, "_FILE")) {
			continue // where another comes from
		}
		value, asked := r.took[name]
		s := portal.Setting{Name: name, Source: "default", Secret: slices.Contains(settings, name+"_FILE")}
		switch {
		case s.Secret && r.env[name+"_FILE"] != "":
			s.Set, s.Source = true, "secret-file"
		case r.env[name] != "" && inEnvironment(name):
			s.Set, s.Source = true, "environment"
		case r.env[name] != "":
			s.Set, s.Source = true, "file"
		}
		switch {
		case s.Secret:
		case asked:
			s.Value = withoutPassword(value)
		default: // nobody asked for it: what it is about is off, or it is read otherwise
			s.Value, s.Unused = withoutPassword(r.env[name]), name != "LGSP_CONFIG"
		}
		list = append(list, s)
	}
	return list
}

// withoutPassword is an address without the password that somebody wrote into it.
func withoutPassword(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.User == nil {
		return value
	}
	return u.Redacted()
}
