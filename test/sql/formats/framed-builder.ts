/** What a worker builds topologies by where it has to know the format FRAMED too. */

import build from '../../../sql/compile/worker-builder.ts';
import { registerFormat } from '../../../sql/formats/index.ts';
import { framedFormat } from './framed.ts';

registerFormat(framedFormat());

export default build;
