/** Tests against real servers wait on conditions; how long that takes is the machine's affair. */
jest.setTimeout(120_000);
