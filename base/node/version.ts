/** The oldest Node that Millrace runs on: the one that `engines` in package.json promises. A test compares them. */

import process from 'node:process';
import { UserError } from '../errors.ts';

export const oldestNode = '22.22';

/** Throws the `UserError` NODE_TOO_OLD when this Node is older than `oldestNode`. */
export const checkNodeVersion = (version: string = process.versions.node): void => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode.split('.').map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new UserError('NODE_TOO_OLD', `Millrace needs Node ${oldestNode} or later; this is Node ${version}`);
};
