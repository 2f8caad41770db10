package ckan

import "maps"

// action is one thing that can be asked for by name.
type action struct {
	run     func(s *Server, c *call) (any, error)
	writes  bool // by POST only, and with a token
	uploads bool // a multipart body may carry a file
	help    string
}

// actions are all there are, by name.
func actions() map[string]action {
	all := map[string]action{}
	for _, part := range []map[string]action{packageActions(), groupActions(), otherActions(), writeActions()} {
		maps.Copy(all, part)
	}
	return all
}

func packageActions() map[string]action {
	return map[string]action{
		"package_list": {run: packageList, help: "Names of the public datasets, sorted; limit, offset."},
		"current_package_list_with_resources": {run: packagesWithResources,
			help: "Public datasets with their resources, the last changed first; limit (at most 1000), offset."},
		"package_search": {run: packageSearch,
			help: "Search: q, fq, fq_list, sort, rows (10, at most 1000), start, facet, facet.field, facet.limit, facet.mincount, fl, include_private, include_drafts."},
		"package_show":          {run: packageShow, help: "One dataset, by id or name (id)."},
		"package_autocomplete":  {run: packageAutocomplete, help: "Datasets whose title or name begins with q; limit (10)."},
		"package_activity_list": {run: packageActivity, help: "What is public of a dataset's past (id); limit (31), offset."},
		"resource_show":         {run: resourceShow, help: "One resource (id)."},
		"resource_search":       {run: resourceSearch, help: "Resources by query=field:term, which may stand several times; name, description, format, mimetype, hash, url; limit, offset."},
		"resource_view_list":    {run: resourceViews, help: "Views of a resource (id): none are kept."},
		"format_autocomplete":   {run: formatAutocomplete, help: "Formats that hold q, in lower case; limit (10)."},
		"license_list":          {run: licenseList, help: "The licences of datasets."},
		"tag_list":              {run: tagList, help: "Tags that hold query; all_fields."},
		"tag_show":              {run: tagShow, help: "One tag (id); include_datasets."},
		"tag_search":            {run: tagSearch, help: "Tags that hold query, with their count; limit, offset."},
		"tag_autocomplete":      {run: tagAutocomplete, help: "Names of tags that hold query; limit (10), offset."},
		"vocabulary_list":       {run: vocabularyList, help: "Vocabularies of tags: none, keywords are free."},
		"datastore_search":      {run: datastoreSearch, help: "Rows of a table: resource_id, filters, q, fields, sort, distinct, limit (100, at most 32000), offset, include_total, records_format."},
		"datastore_info":        {run: datastoreInfo, help: "Columns and size of a table (id)."},
		"datastore_search_sql":  {run: noSQL, help: "Refused: no SQL is taken from outside. Use datastore_search."},
		"recently_changed_packages_activity_list": {run: recentlyChanged, help: "The last change of each dataset, newest first; limit (31), offset."},
	}
}

func groupActions() map[string]action {
	const list = "; all_fields, sort, limit, offset, q"
	return map[string]action{
		"organization_list":          {run: organizationList, help: "Names of the agencies, or whole ones; organizations" + list + "."},
		"organization_show":          {run: organizationShow, help: "One agency, by id or name (id); include_datasets, include_dataset_count."},
		"organization_autocomplete":  {run: organizationAutocomplete, help: "Agencies whose name or title holds q; limit (10)."},
		"organization_list_for_user": {run: organizationsOfUser, help: "The agencies whose datasets the caller works on."},
		"group_list":                 {run: groupList, help: "Names of the themes, or whole ones; groups" + list + "."},
		"group_show":                 {run: groupShow, help: "One theme, by id or name (id); include_datasets, include_dataset_count."},
		"group_autocomplete":         {run: groupAutocomplete, help: "Themes whose name or title holds q; limit (10)."},
		"group_package_show":         {run: groupPackageShow, help: "The datasets of a theme (id), the last changed first; limit."},
	}
}

func otherActions() map[string]action {
	return map[string]action{
		"status_show": {run: statusShow, help: "What site this is, and which version of CKAN's API it speaks."},
		"site_read":   {run: func(*Server, *call) (any, error) { return true, nil }, help: "Whether the site can be read: always."},
		"help_show":   {run: helpShow, help: "What an action does (name)."},
	}
}

func helpShow(_ *Server, c *call) (any, error) {
	name, err := c.needed("name")
	if err != nil {
		return nil, err
	}
	if a, known := actions()[name]; known {
		return a.help, nil
	}
	return nil, missing("")
}

func resourceViews(s *Server, c *call) (any, error) {
	if _, err := resourceShow(s, c); err != nil {
		return nil, err
	}
	return []string{}, nil
}

// noSQL refuses the action whose SQL came from outside (CVE-2026-42031 and
// -42032 were found in CKAN's).
func noSQL(*Server, *call) (any, error) {
	return nil, denied("SQL is not taken from outside; datastore_search filters, sorts and pages")
}
