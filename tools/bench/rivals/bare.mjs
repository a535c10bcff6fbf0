// Bare Fastify: reads and validates the same purchase, answers the same bytes, and asks nobody.
import { answerAccepted, servePurchases } from './purchase-route.mjs';

await servePurchases((request, reply) => reply.send(answerAccepted(request.body, reply)));
