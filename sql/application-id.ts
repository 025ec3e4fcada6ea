/** What belongs to a query in the log (its group, transactions, changelog and repartition topics) is named by its
 *  application id. */

export const applicationPrefix = '_millrace-query_';

export const applicationIdOf = (queryId: string): string => `${applicationPrefix}${queryId}`;
