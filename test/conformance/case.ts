/**
 * The published cases as data: how a file of cases becomes cases, one for each format or configuration that it names.
 */
