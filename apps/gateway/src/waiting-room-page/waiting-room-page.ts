import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { PageConfig } from '@flux/waiting-room-page';
import { etagOf } from '../etag';
import { Captcha } from '../challenge/captcha.service';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';
import { policyOf, withShopOrigins } from './content-security-policy';
import { readBuiltPage, readPageConfig } from './page-files';

/** A file as it is sent. */
export interface PageFile {
  readonly body: string;
  /** RFC 9110, strong. */
  readonly etag: string;
}

/** The page as this gateway's shop wants it. */
export interface ShopPage {
  readonly html: PageFile;
  readonly contentSecurityPolicy: string;
  readonly config: PageConfig;
  readonly configFile: PageFile;
  /** The configuration that the page was built with: what the shop's own leaves out. */
  readonly defaults: PageConfig;
}

/** The waiting room's page: read once, when the first shopper needs it. */
@Injectable()
export class WaitingRoomPage implements OnModuleInit {
  private shopConfig: PageConfig | undefined;
  private page: ShopPage | undefined;

  constructor(
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
    private readonly captcha: Captcha,
  ) {}

  /** @throws Error for a configuration that is not valid: better at the start than before a crowd */
  onModuleInit(): void {
    const file = this.config.FLUX_WAITING_ROOM_CONFIG;
    if (file === '') return;
    try {
      this.shopConfig = readPageConfig(file);
    } catch (error) {
      throw new Error('FLUX_WAITING_ROOM_CONFIG', { cause: error });
    }
  }

  read(): ShopPage {
    return (this.page ??= this.load());
  }

  private load(): ShopPage {
    const built = readBuiltPage();
    const config = this.shopConfig ?? built.config;
    const html = fileOf(withShopOrigins(built.html, config, this.captcha.widgetSources()));
    return {
      html,
      // Framed by another site, the page could be made to give a place away.
      contentSecurityPolicy: `${policyOf(html.body)}; frame-ancestors 'none'`,
      config,
      configFile: fileOf(JSON.stringify(config)),
      defaults: built.config,
    };
  }
}

function fileOf(body: string): PageFile {
  return { body, etag: etagOf(body) };
}
