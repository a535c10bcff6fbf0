import { orderIdSchema } from '@flux/contracts';
import { z } from 'zod';

export const orderParams = z.strictObject({ id: orderIdSchema });
